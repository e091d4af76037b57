# SPDX-License-Identifier: BSD-2-Clause
# What owns bond0 and the taps beside the fast path: the kernel's Open vSwitch, a bridge that filters VLANs, or nothing.
# shellcheck shell=bash

# ovs_up: ovs-vswitchd with its kernel datapath, bridge br0 with bond0 as a trunk.
ovs_up() {
  modprobe openvswitch
  mkdir -p /run/openvswitch /etc/openvswitch /var/log/openvswitch
  rm -f /etc/openvswitch/conf.db
  ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema &&
    ovsdb-server --remote=punix:/run/openvswitch/db.sock --pidfile --detach --no-chdir --log-file=/dev/null \
      /etc/openvswitch/conf.db 2>/dev/null &&
    ovs-vsctl --no-wait init &&
    ovs-vswitchd --pidfile --detach --no-chdir --log-file=/dev/null 2>/dev/null &&
    ovs-vsctl --timeout=30 add-br br0 -- add-port br0 bond0 &&
    ip link set br0 up
}

# bridge_up: br0 with bond0 as a trunk for VLANs 1 to 300.
bridge_up() {
  modprobe bridge
  ip link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0 &&
    ip link set bond0 master br0 && bridge vlan add dev bond0 vid 1-300 && ip link set br0 up
}

# slow_path_port SLOW_PATH TAP VID: the tap as an access port.
slow_path_port() {
  case "$1" in
    ovs) ovs-vsctl --timeout=30 add-port br0 "$2" tag="$3" ;;
    bridge) ip link set "$2" master br0 && bridge vlan add dev "$2" vid "$3" pvid untagged ;;
    nothing) : ;;
  esac
}

# learned SLOW_PATH VID MAC: prints the port behind which the slow path knows a MAC.
learned() {
  case "$1" in
    ovs)
      local number
      number=$(ovs-appctl fdb/show br0 | awk -v vid="$2" -v mac="$3" '$2 == vid && $3 == mac { print $1 }')
      [ -n "$number" ] && ovs-vsctl --columns=name --bare find Interface ofport="$number"
      ;;
    bridge) bridge -j fdb show br br0 | jq -r --argjson vid "$2" --arg mac "$3" \
      '.[] | select(.vlan == $vid and .mac == $mac) | .ifname' ;;
  esac
}

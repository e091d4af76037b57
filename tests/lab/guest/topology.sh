# SPDX-License-Identifier: BSD-2-Clause
# The hypervisor and the switch: eth0 and eth1 are the hypervisor's, eth2 and eth3 the switch's, in the namespace "tor";
# cable N joins ethN and eth(N+2). Makes bonds, cuts cables, stops LACP. Slow paths are in slow_path.sh.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

HOST_NICS=(eth0 eth1)
TOR_NICS=(eth2 eth3)
tor() { ip netns exec tor "$@"; }

# labnic_up [PARAMETER...]: the module of nic/, its two pairs under the names that emulated NICs have.
labnic_up() {
  insmod /lab/labnic.ko "$@" || return
  ip link set ln0a name eth0 && ip link set ln1a name eth1 && ip link set ln0b name eth2 && ip link set ln1b name eth3
}

# nics_up: loads the driver, moves the switch's half into its namespace.
nics_up() {
  sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  case "$LAB_NIC" in
    igb) modprobe igb ;;
    virtio) modprobe virtio_net ;;
    vmxnet3) modprobe vmxnet3 ;;
    labnic) labnic_up ;;
  esac
  until_true 20 test -e /sys/class/net/eth3 || { echo "the NICs did not appear" >&2; return 1; }
  ip netns add tor
  tor sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  tor ip link set lo up
  local nic
  for nic in "${TOR_NICS[@]}"; do ip link set "$nic" netns tor; done
}

# bond_host MODE [NIC...]: bond0 over the hypervisor's NICs.
bond_host() {
  local mode=$1 nic
  shift
  [ $# -gt 0 ] || set -- "${HOST_NICS[@]}"
  modprobe bonding max_bonds=0
  # shellcheck disable=SC2046  # words
  ip link add bond0 type bond mode "$mode" miimon 100 $(bond_options "$mode") || return
  for nic in "$@"; do
    ip link set "$nic" down
    ip link set "$nic" master bond0 || return
  done
  ip link set bond0 up
}

bond_options() {
  case "$1" in
    802.3ad) echo "lacp_rate fast xmit_hash_policy layer2+3" ;;
    balance-xor) echo "xmit_hash_policy layer2+3" ;;
  esac
}

# bond_tor MODE: the switch's side: bond1, the same LAG; for active-backup, which needs none, a bridge.
bond_tor() {
  local mode=$1 nic
  if [ "$mode" = active-backup ]; then
    tor ip link add bond1 type bridge
  else
    # shellcheck disable=SC2046  # words
    tor ip link add bond1 type bond mode "$mode" miimon 100 $(bond_options "$mode") || return
  fi
  for nic in "${TOR_NICS[@]}"; do
    tor ip link set "$nic" down
    tor ip link set "$nic" master bond1 || return
    tor ip link set "$nic" up
  done
  tor ip link set bond1 up
}

# bonds_up MODE: both sides, and waits until frames can pass on all members.
bonds_up() {
  bond_host "$1" && bond_tor "$1" && bonds_ready "$1"
}

bonds_ready() {
  if [ "$1" = 802.3ad ]; then
    until_true 60 lacp_complete || { echo "LACP did not come up: $(lacp_states)" >&2; return 1; }
  else
    until_true 60 members_up || { echo "the members did not come up" >&2; return 1; }
  fi
}

# Both ports' own and partner's states on both sides. 63: active, short timeout, aggregated, in sync, collecting,
# distributing.
lacp_states() {
  local nic
  for nic in "${HOST_NICS[@]}"; do
    paste -d/ "/sys/class/net/$nic/bonding_slave/ad_actor_oper_port_state" \
      "/sys/class/net/$nic/bonding_slave/ad_partner_oper_port_state"
  done | paste -sd' '
  tor sh -c 'for nic in "$@"; do
    paste -d/ /sys/class/net/$nic/bonding_slave/ad_actor_oper_port_state \
      /sys/class/net/$nic/bonding_slave/ad_partner_oper_port_state
  done' sh "${TOR_NICS[@]}" | paste -sd' '
}
lacp_complete() { [ "$(lacp_states | paste -sd' ')" = "63/63 63/63 63/63 63/63" ]; }

# The port of one member, as both ends see it.
lacp_member_complete() {
  local index=$1
  [ "$(lacp_states | cut -d' ' -f $((index + 1)) | paste -sd' ')" = "63/63 63/63" ]
}

mii_up() { [ "$(cat "/sys/class/net/$1/bonding_slave/mii_status" 2>/dev/null)" = up ]; }
members_up() {
  mii_up eth0 && mii_up eth1 && [ "$(cat /sys/class/net/bond0/carrier)" = 1 ] &&
    tor sh -c 'for nic in eth2 eth3; do [ "$(cat /sys/class/net/$nic/carrier)" = 1 ] || exit 1; done'
}

# cable N on|off: both ends see it. The lab does it, from outside.
cable() {
  local answer
  exec {control}<>"$LAB_CONTROL"
  echo "cable $1 $2" >&"$control"
  read -r -t 30 answer <&"$control"
  exec {control}>&-
  [ "$answer" = ok ] || { echo "cable: $answer" >&2; return 1; }
}

# lacp_of_tor N on|off: off: the switch neither sends nor hears LACP on cable N, though the cable stays.
lacp_of_tor() {
  local nic=${TOR_NICS[$1]} way
  if [ "$2" = off ]; then
    tor tc qdisc add dev "$nic" clsact
    for way in ingress egress; do
      tor tc filter add dev "$nic" "$way" protocol 0x8809 matchall action drop || return
    done
  else
    tor tc qdisc del dev "$nic" clsact
  fi
}

# tor_vlan VID ADDRESS: the switch's own address on a VLAN.
tor_vlan() {
  modprobe 8021q
  tor ip link add link bond1 name "bond1.$1" type vlan id "$1" &&
    tor ip address add "$2" dev "bond1.$1" && tor ip link set "bond1.$1" up
}

# watch_members FILE [NIC NIC]: writes each change of two members' (eth0's and eth1's) MII state and LACP port state, with
# the time, until it is ended. No program is started for a look, so that it looks often.
watch_members() {
  exec >"$1" 2>/dev/null
  local one=/sys/class/net/${2:-eth0}/bonding_slave other=/sys/class/net/${3:-eth1}/bonding_slave
  local last='' now a b c d uptime
  mkfifo "/run/never-$BASHPID"
  exec {never}<>"/run/never-$BASHPID"
  while :; do
    a='' b='' c='' d=''
    read -r a <"$one/mii_status"
    read -r b <"$other/mii_status"
    read -r c <"$one/ad_actor_oper_port_state"
    read -r d <"$other/ad_actor_oper_port_state"
    now="${a:-none} ${c:--} ${b:-none} ${d:--}"
    now=${now//going /going-}
    if [ "$now" != "$last" ]; then
      read -r uptime _ </proc/uptime
      echo "$uptime $now"
      last=$now
    fi
    read -r -t 0.02 -u "$never"
  done
}

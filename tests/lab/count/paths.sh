# SPDX-License-Identifier: BSD-2-Clause
# Instructions a packet from the wire to a VM's tap: kernel Open vSwitch, then xdpfwd beside it, at 1 and 10 kpps.
# lab: --timeout 1200 --silence 600 --count-instructions
# Argument, after --: how many windows of each (3). The last window, "profiled", is counted by function too. The counts go
# to $LAB_OUT, which report.py reads. With --cpus 1 --icount: the same figures in every run. With 3 CPUs: generator, receiver
# and reader on one each, and figures that depend a little on the machine's load.
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/slow_path.sh"
. "$LAB_GUEST/product.sh"

repetitions=${1:-3}
export COUNT_DIRECTORY=$LAB_OUT

if [ "$(nproc)" -ge 3 ]; then generator=0 receiver=1 reader=2; else generator=0 receiver=0 reader=0; fi

# One queue, its interrupt on the receiver's CPU; coalescing at a fixed 20 us, not igb's adaptive modes.
settle_nic() {
  ethtool -L "$1" combined 1
  ethtool -C "$1" rx-usecs 20
}
pin_interrupts() {
  local line
  for line in $(awk -v nic="$1" '$NF ~ "^" nic "(-|$)" { sub(":", "", $1); print $1 }' /proc/interrupts); do
    echo "$2" >"/proc/irq/$line/smp_affinity_list"
  done
}

# generator_for PPS COUNT: what will be sent; 60 byte UDP to vm1.
generator_for() {
  local setting
  tor sh -c "echo rem_device_all >/proc/net/pktgen/kpktgend_$generator; echo add_device eth2 >/proc/net/pktgen/kpktgend_$generator"
  for setting in "count $2" "pkt_size 60" "clone_skb 0" "delay 0" "ratep $1" "dst 10.0.0.2" \
    "src_min 10.0.0.1" "src_max 10.0.0.1" "dst_mac $(guest_mac 1)" "src_mac 52:54:00:00:01:aa" "vlan_id 100"; do
    tor sh -c 'echo "$1" >/proc/net/pktgen/eth2' sh "$setting" || { echo "pktgen refused: $setting" >&2; return 1; }
  done
}
delivered() { cat /sys/class/net/tap1/statistics/tx_packets; }
# In an interval none more came.
settled() {
  local before
  before=$(delivered)
  sleep 0.2
  [ "$(delivered)" = "$before" ]
}

# window NAME PPS COUNT
window() {
  local before
  generator_for "$2" "$3" || return
  before=$(delivered)
  count begin "$1" || return
  tor sh -c 'echo start >/proc/net/pktgen/pgctrl'
  until_true 30 settled
  count end "$1" $(($(delivered) - before)) "$receiver" || return
  check "$1: frames counted" [ "$(delivered)" -gt "$before" ]
}
# windows PATH: at every rate. At 10 kpps the generator spins, which the emulator is slow at.
windows() {
  local _
  for _ in $(seq "$repetitions"); do
    window "$1-1000" 1000 2000 && window "$1-10000" 10000 10000 || return
  done
}

must nics_up
for nic in "${HOST_NICS[@]}"; do settle_nic "$nic"; done
for nic in "${TOR_NICS[@]}"; do tor ethtool -L "$nic" combined 1; tor ethtool -C "$nic" rx-usecs 20; done
must bonds_up 802.3ad
ip link set bond0 promisc on
for nic in "${HOST_NICS[@]}"; do pin_interrupts "$nic" "$receiver"; done
for nic in "${TOR_NICS[@]}"; do pin_interrupts "$nic" "$generator"; done

modprobe -a tun pktgen
taskset -c "$reader" drain tap1 >/run/drain.ready &
must until_true 30 grep -q ready /run/drain.ready
ip link set tap1 up
must ovs_up
must slow_path_port ovs tap1 100
must ovs-ofctl add-flow br0 "priority=10,in_port=bond0,dl_vlan=100,dl_dst=$(guest_mac 1),actions=strip_vlan,output:tap1"

must count start
# So that what is executed the first time, translated and looked up, is not counted.
warm_up() { generator_for 1000 500 && tor sh -c 'echo start >/proc/net/pktgen/pgctrl' && until_true 30 settled; }
check "frames reach the tap through OVS" warm_up
check "an idle window" eval 'count begin idle && sleep 2 && count end idle 0'
must windows ovs

configure 1
must daemon_up
must until_true 120 forwarding
must until_true 120 lacp_complete
for nic in "${HOST_NICS[@]}"; do pin_interrupts "$nic" "$receiver"; done
check "frames reach the tap through xdpfwd" warm_up
before=$(reason forwarded)
must windows xdpfwd
check "xdpfwd forwarded them" [ "$(reason forwarded)" -gt "$before" ]
must count start --profile
check "frames reach the tap while functions are counted" warm_up
must window profiled 1000 1000
must count symbols
finish

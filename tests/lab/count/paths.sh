# SPDX-License-Identifier: BSD-2-Clause
# Instructions a packet from the wire to a VM's tap: kernel Open vSwitch, then xdpfwd beside it, at 1 and 10 kpps.
# lab: --timeout 1200 --silence 600 --count-instructions
# Argument, after --: how many windows of each (3). The last window, "profiled", is counted by function too. The counts go
# to $LAB_OUT, which report.py reads. With --cpus 1 --icount: the same figures in every run. With 3 CPUs: generator, receiver
# and reader on one each, and figures that depend a little on the machine's load.
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/slow_path.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/paced.sh"

repetitions=${1:-3}
export COUNT_DIRECTORY=$LAB_OUT

# measure NAME PPS COUNT
measure() {
  local before
  generator "$3" "$2" "$(guest_mac 1)" || return
  before=$(delivered)
  window begin "$1" || return
  generate
  settled
  window end "$1" $(($(delivered) - before)) "$receiving" || return
  check "$1: frames counted" [ "$(delivered)" -gt "$before" ]
}
# windows PATH: at every rate. At 10 kpps the generator spins, which the emulator is slow at.
windows() {
  local _
  for _ in $(seq "$repetitions"); do
    measure "$1-1000" 1000 2000 && measure "$1-10000" 10000 10000 || return
  done
}

must nics_up
modprobe pktgen
must settle_nics
must bonds_up 802.3ad
ip link set bond0 promisc on
pin_nics

modprobe tun
taskset -c "$reading" drain tap1 >/run/drain.ready &
must until_true 30 grep -q ready /run/drain.ready
ip link set tap1 up
must ovs_up
must slow_path_port ovs tap1 100
must ovs-ofctl add-flow br0 "priority=10,in_port=bond0,dl_vlan=100,dl_dst=$(guest_mac 1),actions=strip_vlan,output:tap1"

must count start
must window begin idle
sleep 2
must window end idle 0
# So that what is executed the first time, translated and looked up, is not counted.
warm_up() { generator 500 1000 "$(guest_mac 1)" && generate && settled; }
check "frames reach the tap through OVS" warm_up
must windows ovs

configure 1
must daemon_up
must until_true 120 forwarding
must until_true 120 lacp_complete
pin_nics
check "frames reach the tap through xdpfwd" warm_up
before=$(reason forwarded)
must windows xdpfwd
check "xdpfwd forwarded them" [ "$(reason forwarded)" -gt "$before" ]
must count start --profile
check "frames reach the tap while functions are counted" warm_up
must measure profiled 1000 1000
must count symbols
finish

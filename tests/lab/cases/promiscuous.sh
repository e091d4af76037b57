# SPDX-License-Identifier: BSD-2-Clause
# Nothing but us on the bond: the NIC must let the guests' frames in (igb drops other MACs and unknown VLANs).
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

must nics_up
must bonds_up 802.3ad
must readers 1
promiscuity() { ip -d -j link show "$1" | jq '.[0].promiscuity'; }
note "before: promiscuity of eth0 $(promiscuity eth0), bond0 $(promiscuity bond0); $(ethtool -k eth0 | grep rx-vlan-filter)"
must send 100 --dev eth2 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1"
note "100 frames to vm1, nobody wants them: eth0 counts $(cat /sys/class/net/eth0/statistics/rx_packets) received"
configure 1
must daemon_up
check "forwarding" until_true 60 forwarding
check "LACP complete" until_true 60 lacp_complete
both_active() { active eth0 && active eth1; }
must until_true 30 both_active
check_equal "both members are promiscuous" "1 1" "$(promiscuity eth0) $(promiscuity eth1)"
check_equal "and xdpctl says that it was us" "xdpfwd xdpfwd" "$(status '[.members[].promisc] | join(" ")')"
check "frames to a guest" send 400 --dev eth2 --dev eth3 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1"
forwarded() { reason forwarded; }
check "reach it without 'ip link set bond0 promisc on'" until_true 20 eval '[ $(forwarded) -ge 400 ]'
ip link set eth0 promisc off
check "somebody turns it off: on again" until_true 30 eval '[ $(promiscuity eth0) -ge 1 ]'
must send 100 --dev eth2 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1"
check "and frames arrive" until_true 20 eval '[ $(forwarded) -ge 500 ]'
ip link set eth1 nomaster
ip link set eth1 down
ip link set eth1 master bond0
must until_true 60 attached eth1
must until_true 60 lacp_complete
must until_true 30 both_active
before=$(forwarded)
must send 100 --dev eth3 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1"
check "also on a member that joined later" until_true 20 eval '[ $(forwarded) -ge $((before + 100)) ]'
must xdpctl detach --all
check_equal "detached: the members are as they were" "0 0 0" "$(promiscuity eth0) $(promiscuity eth1) $(promiscuity bond0)"
finish

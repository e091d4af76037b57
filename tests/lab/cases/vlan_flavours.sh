# SPDX-License-Identifier: BSD-2-Clause
# Both places of the VLAN tag on a bond: in the frame, and in the descriptor (veth members: no emulated NIC has it).
# lab: --nic none
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
modprobe -a veth bonding
ip netns add tor
for i in 0 1; do
  ip link add "eth$i" type veth peer name "eth$((i + 2))" netns tor
done
must bonds_up 802.3ad
ok "LACP up over veth: $(lacp_states | paste -sd' ')"
must tor_vlan 100 10.100.0.254/24
must virtual_machine 1
modprobe bridge
ip link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0
ip link set bond0 master br0
bridge vlan add dev bond0 vid 100
ip link set tap1 master br0
bridge vlan add dev tap1 vid 100 pvid untagged
ip link set br0 up
hint=$([ "$(printf "%s\n6.8\n" "$LAB_KERNEL" | sort -V | head -1)" = 6.8 ] && echo yes || echo no)

flavour() { status "[.members[].vlan_tag] | unique | join(\" \")"; }
try() {
  local wanted=$1
  check "$wanted: forwarding" until_true 60 forwarding
  must until_true 60 lacp_complete
  check_equal "$wanted: the members' flavour" "$wanted" "$(flavour)"
  local before
  before=$(reason forwarded)
  check "$wanted: ping through the fast path, tagged by the sender's VLAN device" tor ping -c 5 -i 0.2 -W 10 10.100.0.1
  check "$wanted: counted as forwarded" eval "[ \$(reason forwarded) -ge $((before + 5)) ]"
  before=$(reason forwarded)
  check "$wanted: frames with the tag in them" send 100 --dev eth2 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1"
  check "$wanted: forwarded too" until_true 20 eval "[ \$(reason forwarded) -ge $((before + 100)) ]"
  check "$wanted: nothing was dropped" eval '[ $(reason runt) = 0 ] && [ $(reason truncated_tag) = 0 ]'
}

# Every frame is counted as forwarded: none is passed so that the bridge relearns.
# veth takes the tag off only when its sender offloads: 'frame' must see it in the frame.
for i in 2 3; do tor ethtool -K "eth$i" txvlan off tx off >/dev/null; done
tor ethtool -K bond1 txvlan off >/dev/null
UPLINK_MORE=$'relearn = 0\nvlan_tag = "frame"' configure 1
must daemon_up
try frame
for i in 2 3; do tor ethtool -K "eth$i" txvlan on >/dev/null; done
tor ethtool -K bond1 txvlan on >/dev/null
if [ "$hint" = yes ]; then
  UPLINK_MORE=$'relearn = 0\nvlan_tag = "hint"' configure 1
  check "reload to the other flavour" xdpctl reload
  try hint
else
  UPLINK_MORE=$'relearn = 0\nvlan_tag = "auto"' configure 1
  note "kernel $LAB_KERNEL gives XDP no tag: 'auto' must stay with the frame"
  check "reload" xdpctl reload
  check_equal "auto on this kernel" frame "$(flavour)"
fi
finish

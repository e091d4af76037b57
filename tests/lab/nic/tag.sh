# SPDX-License-Identifier: BSD-2-Clause
# xdpfwd on a bond of stand-ins: the VLAN tag is in the descriptor, and the daemon takes it from there by itself.
# lab: --nic labnic
. "$LAB_TREE/tests/lab/nic/nic.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

flavour() { status "[.members[].vlan_tag] | unique | join(\" \")"; }
stripping() { ethtool -k "$1" | grep -q 'rx-vlan-offload: on'; }
both_active() { active eth0 && active eth1; }
ready() { until_true 60 forwarding && until_true 60 lacp_complete && until_true 60 both_active; }
forwarded() { reason forwarded; }
# frames_forwarded NAME: by both members, to the MAC of vm1 on its VLAN, all of them; on another, none.
frames_forwarded() {
  local before
  before=$(forwarded)
  check "$1: frames on VLAN 100" send 500 --dev eth2 --dev eth3 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1"
  check "$1: all forwarded" until_true 20 eval "[ \$(forwarded) -ge $((before + 500)) ]"
  before=$(forwarded) misses=$(reason miss)
  must kernel_pktgen eth2 100 1000 "$(guest_mac 1)" 101
  check "$1: 100 frames of another VLAN" until_true 20 eval "[ \$(reason miss) -ge $((misses + 100)) ]"
  check_equal "$1: of which none was forwarded" "$before" "$(forwarded)"
}

must nics_up
must bonds_up 802.3ad
must readers 1
UPLINK_MORE='relearn = 0' configure 1
must daemon_up
must ready
check_equal "'auto' finds the tag in the descriptor" hint "$(flavour)"
check "the NICs go on stripping" eval 'stripping eth0 && stripping eth1'
frames_forwarded "tag in the descriptor"
for nic in "${HOST_NICS[@]}"; do must ethtool -K "$nic" rxvlan off; done
check_equal "stripping off: the same program" hint "$(flavour)"
frames_forwarded "tag in the frame after all"
for nic in "${HOST_NICS[@]}"; do must ethtool -K "$nic" rxvlan on; done

UPLINK_MORE=$'relearn = 0\nvlan_tag = "frame"' configure 1
check "reload with vlan_tag = \"frame\"" xdpctl reload
must ready
check_equal "the members' flavour" frame "$(flavour)"
check "the NICs strip no more" eval '! stripping eth0 && ! stripping eth1'
frames_forwarded "frame"
readers_end
check_equal "the reader saw only frames as sent" 0 $?
must xdpctl detach --all
daemon_down
ip link del bond0
the_end

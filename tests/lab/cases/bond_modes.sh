# SPDX-License-Identifier: BSD-2-Clause
# active-backup: the backup passes, and takes over; balance-xor: both forward, and one goes on alone.
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

must nics_up
must readers 1
guest=(--guest "mac=$(guest_mac 1),vlan=100,tap=tap1")
forwarded() { reason forwarded; }

must bonds_up active-backup
ip link set bond0 type bond active_slave eth0
configure 1
must daemon_up
check "active-backup: forwarding" until_true 60 forwarding
check "native XDP on both members" eval 'has_native_xdp eth0 && has_native_xdp eth1'
# The attach resets igb: whichever member came back first is the active one now.
must until_true 60 members_up
ip link set bond0 type bond active_slave eth0
check "the active member is active" until_true 30 active eth0
check "the backup is not" until_true 30 eval '! active eth1'
before=$(forwarded)
check "frames to the active member" send 200 --dev eth2 "${guest[@]}"
check "are forwarded" until_true 20 eval '[ $(forwarded) -ge $((before + 200)) ]'
check_equal "each once" $((before + 200)) "$(forwarded)"
before_inactive=$(reason inactive)
check "frames to the backup" send 200 --dev eth3 "${guest[@]}"
check "are passed to the bond, which drops them" until_true 20 eval '[ $(reason inactive) -ge $((before_inactive + 200)) ]'
check_equal "and none is forwarded" $((before + 200)) "$(forwarded)"

must cable 0 off
check "failover: the backup is active" until_true 30 active eth1
check "the member without a cable is not" until_true 30 eval '! active eth0'
before=$(forwarded)
check "frames to the new active member" send 200 --dev eth3 "${guest[@]}"
check "are forwarded" until_true 20 eval '[ $(forwarded) -ge $((before + 200)) ]'
must cable 0 on
check "the cable is back: a backup now" until_true 30 mii_up eth0
check "still not active" eval '! active eth0 && active eth1'

ip link del bond0
tor ip link del bond1
must bonds_up balance-xor
check "balance-xor: forwarding" until_true 60 forwarding
both_active() { active eth0 && active eth1; }
check "both members are active" until_true 60 both_active
must until_true 60 members_up
before=$(forwarded)
check "frames through both" send 400 --dev eth2 --dev eth3 "${guest[@]}"
check "are forwarded" until_true 20 eval '[ $(forwarded) -ge $((before + 400)) ]'
must cable 0 off
check "a cut cable: not active" until_true 30 eval '! active eth0'
before=$(forwarded)
check "frames through the other" send 200 --dev eth3 "${guest[@]}"
check "are forwarded" until_true 20 eval '[ $(forwarded) -ge $((before + 200)) ]'
readers_end
check_equal "readers saw only frames as sent" 0 $?
finish

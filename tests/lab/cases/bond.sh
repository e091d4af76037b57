# SPDX-License-Identifier: BSD-2-Clause
# An 802.3ad bond: attach while enslaved, LACP through attach, restart and upgrade, cables cut, members that come and go.
# lab: --timeout 900
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

must nics_up
must bonds_up 802.3ad
ok "LACP up on both sides: $(lacp_states | paste -sd' ')"

must readers 4
configure 4
watch_members /run/members.log &
watcher=$!
must daemon_up
check "the daemon forwards" until_true 60 forwarding
check "native XDP on eth0, enslaved" has_native_xdp eth0
# In turn: when eth0 is back in the bond.
check "native XDP on eth1, enslaved" until_true 60 has_native_xdp eth1
check "LACP is complete again after the attach" until_true 60 lacp_complete
both_active() { active eth0 && active eth1; }
check "both members are active" until_true 30 both_active
note "seen at the attach (uptime, eth0's MII and LACP, eth1's):"
sed 's/^/#   /' /run/members.log
# Collecting and distributing: 16 and 32.
check_equal "one member was up and distributing at every moment of the attach" "" \
  "$(awk '!($2 == "up" && int($3 / 16) % 4 == 3) && !($4 == "up" && int($5 / 16) % 4 == 3)' /run/members.log | head -1)"

to_all=(--dev eth2 --dev eth3)
for i in 1 2 3 4; do to_all+=(--guest "mac=$(guest_mac $i),vlan=100,tap=tap$i"); done
forwarded() { reason forwarded; }
before=$(forwarded)
check "frames sent through both members" send 2000 "${to_all[@]}"
check "all of them forwarded" until_true 20 eval '[ $(forwarded) -ge $((before + 2000)) ]'
check_equal "and not one more" $((before + 2000)) "$(forwarded)"
check_equal "both members forwarded half" "1000 1000" \
  "$(status '[.members | sort_by(.name)[] | .packets.forwarded] | map(tostring) | join(" ")')"

# Restart: nothing moves. Up to three times, because on a machine that is very busy an LACP frame may come too late by
# itself; what a restart does to LACP it does each time.
for try in 1 2 3; do
  must until_true 60 lacp_complete
  mark=$(wc -l </run/members.log)
  daemon_down TERM
  check "XDP stays when the daemon ends" has_native_xdp eth0
  must daemon_up
  check "it forwards after a restart" until_true 60 forwarding
  daemon_down KILL
  must daemon_up
  check "it forwards after kill -9" until_true 60 forwarding
  [ "$mark" != "$(wc -l </run/members.log)" ] || break
  note "try $try: $(tail -n +"$((mark + 1))" /run/members.log | paste -sd,)"
done
check_equal "no member and no LACP port moved through restart and kill -9" "$mark" "$(wc -l </run/members.log)"


# A cable is cut: the port leaves the aggregator, frames on the other go on.
must cable 1 off
check "a cut cable: eth1 is not active" until_true 30 eval '! active eth1'
check "eth0 is" active eth0
before=$(forwarded)
check "frames through the other cable" send 500 --dev eth2 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1"
check "are forwarded" until_true 20 eval '[ $(forwarded) -ge $((before + 500)) ]'
must cable 1 on
check "joined again: LACP complete" until_true 60 lacp_complete
check "both members active again" until_true 30 both_active

# LACP stops though the cable stays: not distributing any more, so it must pass frames, not forward them.
must lacp_of_tor 1 off
check "without LACP eth1 is not active" until_true 60 eval '! active eth1'
before=$(reason inactive)
check "frames on it" send 100 --dev eth3 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1"
check "pass to the bond" until_true 20 eval '[ $(reason inactive) -ge $((before + 100)) ]'
must lacp_of_tor 1 on
check "with LACP again both are active" until_true 60 both_active

# A member flaps, leaves, and comes back.
ip link set eth1 down
check "a member that is down is not active" until_true 30 eval '! active eth1'
ip link set eth1 up
check "up again it is" until_true 60 both_active
ip link set eth1 nomaster
check "a member that left has no program" until_true 30 eval '! has_native_xdp eth1'
check "and is no member" eval '! attached eth1'
ip link set eth1 down
ip link set eth1 master bond0
check "a member that joins is attached" until_true 60 attached eth1
check "LACP complete with it" until_true 60 lacp_complete
check "and forwards" until_true 60 both_active

# The bond goes and another of its name comes.
ip link del bond0
check "without the bond: degraded, not dead" until_true 30 eval '[ "$(status .state)" != forwarding ]'
check "its members have no program" until_true 30 eval '! has_native_xdp eth0 && ! has_native_xdp eth1'
must bond_host 802.3ad
must bonds_ready 802.3ad
check "a new bond of that name: forwarding" until_true 60 forwarding
check "its members active" until_true 60 both_active
check "LACP complete with it" until_true 60 lacp_complete
before=$(forwarded)
check "frames after all that" send 1000 "${to_all[@]}"
check "are forwarded" until_true 20 eval '[ $(forwarded) -ge $((before + 1000)) ]'
kill $watcher
readers_end
check_equal "readers saw only frames as sent" 0 $?
finish

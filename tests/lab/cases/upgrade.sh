# SPDX-License-Identifier: BSD-2-Clause
# Another build of the daemon takes over on a bond, under traffic: its program replaces ours, no LACP port moves, on either side.
# lab: --timeout 900
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

# The daemon tells builds apart by the bytes of its program. This one has another licence in it, which the kernel takes
# just as well: the quickest other build that there is.
other=/run/other/xdpfwd
mkdir /run/other
sed 's#Dual BSD/GPL#Dual MIT/GPL#g' "$LAB_BUILD/xdpfwd" >/run/other/binary
printf '#!/bin/sh\nLD_LIBRARY_PATH=/run/lab/lib exec /run/other/binary "$@"\n' >$other
chmod +x /run/other/*
must eval '! cmp -s /run/other/binary "$LAB_BUILD/xdpfwd"'

program_on() { ip -d -j link show "$1" | jq '.[0].xdp.prog.id'; }
both_active() { active eth0 && active eth1; }
forwarded() { reason forwarded; }
# What both ends saw of their ports: how often something changed.
moves() { cat /run/members.log /run/tor.log | wc -l; }

must nics_up
must bonds_up 802.3ad
must readers 2
UPLINK_MORE='relearn = 0' configure 2
must daemon_up
must until_true 60 forwarding
must until_true 60 has_native_xdp eth1
must until_true 60 lacp_complete
must until_true 30 both_active
watch_members /run/members.log eth0 eth1 &
watchers=$!
tor bash -c '. "$LAB_GUEST/topology.sh"; watch_members /run/tor.log eth2 eth3' &
watchers+=" $!"
must until_true 20 eval 'grep -q 63 /run/members.log && grep -q 63 /run/tor.log'

guests=(--guest "mac=$(guest_mac 1),vlan=100,tap=tap1" --guest "mac=$(guest_mac 2),vlan=100,tap=tap2")
# Up to three times, there and back: on a machine that is very busy an LACP frame may come too late by itself; what an
# upgrade does to LACP it does each time.
build=$other
for try in 1 2 3; do
  must until_true 60 lacp_complete
  must until_true 60 both_active
  before=$(moves) old="$(program_on eth0) $(program_on eth1)" frames=$(forwarded)
  send 4000 --dev eth2 --dev eth3 "${guests[@]}" >/run/send.log 2>&1 &
  sender=$!
  must until_true 60 eval '[ $(forwarded) -gt $((frames + 100)) ]'
  daemon_down TERM
  must daemon_up "$build"
  check "try $try: the other build forwards" until_true 60 forwarding
  check "with its own program on eth0: $old, now $(program_on eth0) $(program_on eth1)" [ "$(program_on eth0)" != "${old% *}" ]
  check "and on eth1" [ "$(program_on eth1)" != "${old#* }" ]
  check "while frames came" wait "$sender"
  check "of which not one was lost" until_true 30 eval '[ $(forwarded) -ge $((frames + 4000)) ]'
  [ "$before" != "$(moves)" ] || break
  note "something moved: $(tail -n 2 /run/members.log /run/tor.log | paste -sd,)"
  if [ "$build" = "$other" ]; then build=xdpfwd; else build=$other; fi
done
check_equal "no member and no LACP port moved, on either side" "$before" "$(moves)"
check "LACP is complete on both sides: $(lacp_states | paste -sd' ')" lacp_complete
# shellcheck disable=SC2086  # words
kill $watchers
readers_end
check_equal "readers saw only frames as sent, each once" 0 $?
finish

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: frames of many senders come through both members of an LACP bond, when one of its cables is cut, and
# when it is joined again. Prints a line for each run; the scenario "failover" reads them. The switch has its own share: it
# looks for a carrier every 100 ms and sends into the cut cable until then.
#
#   failover.sh CONTENDERS PPS FRAMES REPETITIONS      CONTENDERS: a comma-separated list; FRAMES: before and after the event
. "${BASH_SOURCE[0]%/*}/contenders.sh"
export COUNT_DIRECTORY=$LAB_OUT

IFS=, read -ra contenders <<<"$1"
pps=$2
frames=$3
repetitions=$4

# through_the_bond COUNT: the switch's generator sends by its bond, which chooses the member by the sender's address. 0: until
# it is stopped.
through_the_bond() {
  tor sh -c 'thread=/proc/net/pktgen/kpktgend_$1
    shift
    echo rem_device_all >"$thread" && echo add_device bond1 >"$thread" || exit
    for setting; do
      echo "$setting" >/proc/net/pktgen/bond1 || { echo "pktgen refused: $setting" >&2; exit 1; }
    done' sh "$sending" "count $1" "pkt_size 60" "clone_skb 0" "delay 0" "ratep $pps" "dst 10.0.0.2" \
    "src_min 10.0.1.1" "src_max 10.0.1.1" "dst_mac $GUEST_MAC" "src_mac 52:54:00:00:01:aa" "src_mac_count 64" "vlan_id 100"
}
generator_stop() { tor sh -c 'echo stop >/proc/net/pktgen/pgctrl'; }
generated() { tor sed -n 's/.*pkts-sofar: \([0-9]*\).*/\1/p' /proc/net/pktgen/bond1; }
took_usecs() { tor sed -n 's/^Result: OK: \([0-9]*\)(.* usec, .*/\1/p' /proc/net/pktgen/bond1; }

# both_members_forward: frames of all senders arrive, whichever member they come by, and both members are in the bond. A program
# that has just been attached to one may still be on its way to the other, which then leaves the bond for a while.
both_members_forward() {
  local before
  lacp_complete || return
  before=$(delivered)
  through_the_bond 128 && generate
  settled
  [ $(($(delivered) - before)) = 128 ] && lacp_complete
}

more_than() { [ "$(delivered)" -ge "$1" ]; }
more_frames() { until_true 60 more_than $(($(delivered) + frames)); }

# run CONTENDER EVENT REPETITION COMMAND...: the command happens amid the frames.
run() {
  local contender=$1 event=$2 repetition=$3 before
  shift 3
  through_the_bond 0 || fail "no generator"
  before=$(delivered)
  generate &
  more_frames || fail "$contender: frames do not arrive"
  "$@" || fail "$event"
  more_frames || fail "$contender: no frames after $event"
  generator_stop
  wait $!
  settled
  echo "measured $contender $event $repetition $(generated) $(($(delivered) - before)) $pps"
}
cable_cut() { cable 1 off && until_true 60 lacp_member_complete 0; }
cable_joined() { cable 1 on && until_true 60 lacp_complete; }

# prove_bond: the generator by both members.
prove_bond() {
  local sent usecs
  sinks_on
  through_the_bond "$PROOF_FRAMES" && generate || fail "self-test: no generator"
  sent=$(generated) usecs=$(took_usecs)
  [ -n "$usecs" ] || fail "self-test: the generator does not say how long it took"
  until_true 5 at_least "$sent" all_sunk
  proved bond "$pps" "$sent" "$(all_sunk)" "$usecs"
  sinks_off
}

set_up
open_taps 1
prove_tap tap0
close_taps
prove_bond
for contender in "${contenders[@]}"; do
  open_taps 1
  start "$contender" 1
  until_true 60 forwards 1 || fail "$contender does not forward: $(cat /run/hold.log)"
  until_true 180 both_members_forward || fail "$contender does not forward on both members; LACP: $(lacp_states)"
  for repetition in $(seq 1 "$repetitions"); do
    run "$contender" nothing "$repetition" true
    run "$contender" cable-cut "$repetition" cable_cut
    run "$contender" cable-joined "$repetition" cable_joined
  done
  stop "$contender"
  close_taps
done
echo "done"

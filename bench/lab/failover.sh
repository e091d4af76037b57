#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: frames of many senders come through both members of an LACP bond, when one of its cables is cut, and
# when it is joined again. Prints a line for each run; the scenario "failover" reads them. The switch has its own share: it
# looks for a carrier every 100 ms and sends into the cut cable until then.
#
#   failover.sh CONTENDERS PPS FRAMES REPETITIONS      CONTENDERS is a comma-separated list
. "${BASH_SOURCE[0]%/*}/contenders.sh"
export COUNT_DIRECTORY=$LAB_OUT

IFS=, read -ra contenders <<<"$1"
pps=$2
frames=$3
repetitions=$4

# through_the_bond: the switch's generator sends by its bond, which chooses the member by the sender's address.
through_the_bond() {
  tor sh -c 'thread=/proc/net/pktgen/kpktgend_$1
    shift
    echo rem_device_all >"$thread" && echo add_device bond1 >"$thread" || exit
    for setting; do
      echo "$setting" >/proc/net/pktgen/bond1 || { echo "pktgen refused: $setting" >&2; exit 1; }
    done' sh "$sending" "count $frames" "pkt_size 60" "clone_skb 0" "delay 0" "ratep $pps" "dst 10.0.0.2" \
    "src_min 10.0.1.1" "src_max 10.0.1.1" "dst_mac $GUEST_MAC" "src_mac 52:54:00:00:01:aa" "src_mac_count 64" "vlan_id 100"
}

# both_members_forward: frames of all senders arrive, whichever member they come by. A program that has just been attached to
# one member may still be on its way to the other.
both_members_forward() {
  local before
  before=$(delivered)
  frames=128 through_the_bond && generate
  settled
  [ $(($(delivered) - before)) = 128 ]
}

# half_way BEFORE: half of the frames have arrived.
half_way() { [ $(($(delivered) - $1)) -ge $((frames / 2)) ]; }

# run CONTENDER EVENT REPETITION COMMAND...: the command happens half-way through the frames.
run() {
  local contender=$1 event=$2 repetition=$3 before
  shift 3
  through_the_bond || fail "no generator"
  before=$(delivered)
  generate &
  until_true 60 half_way "$before" || fail "$contender: frames do not arrive"
  "$@" || fail "$event"
  wait $!
  settled
  echo "measured $contender $event $repetition $frames $(($(delivered) - before)) $pps"
}

set_up
for contender in "${contenders[@]}"; do
  open_taps 1
  start "$contender" 1
  until_true 60 forwards 1 || fail "$contender does not forward: $(cat /run/hold.log)"
  until_true 60 lacp_complete || fail "$contender: LACP: $(lacp_states)"
  until_true 120 both_members_forward || fail "$contender does not forward on both members"
  for repetition in $(seq 1 "$repetitions"); do
    run "$contender" nothing "$repetition" true
    run "$contender" cable-cut "$repetition" cable 1 off
    until_true 60 lacp_member_complete 0 || fail "LACP: $(lacp_states)"
    run "$contender" cable-joined "$repetition" cable 1 on
    until_true 60 lacp_complete || fail "LACP: $(lacp_states)"
  done
  stop "$contender"
  close_taps
done
echo "done"

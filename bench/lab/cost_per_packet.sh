#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: every contender in turn delivers paced frames to taps, and the emulator's instruction counters are
# read before and after. Prints one line a measurement; the scenario cost-per-packet reads them, and the counters.
#
#   cost_per_packet.sh CONTENDERS RATES POLLS FRAMES REPETITIONS [profile]      comma-separated lists, or a number
#
# CONTENDERS: NAME, or NAME:GUESTS. RATES: packets a second; 0: as fast as the generator can, in bursts of 16. POLLS: how many
# frames arrive in the time that the NIC waits before it interrupts. With "profile" instructions are counted by address too,
# for tests/lab/count/report.py; then name one contender, for the names of BPF programs are those of the last.
. "${BASH_SOURCE[0]%/*}/contenders.sh"
export COUNT_DIRECTORY=$LAB_OUT

IFS=, read -ra contenders <<<"$1"
IFS=, read -ra rates <<<"$2"
IFS=, read -ra polls <<<"$3"
frames=$4
repetitions=$5
profile=${6:+--profile}

BURST=16

# coalesce POLL PPS: the NIC waits for as long as so many frames take; at most the 8 ms that igb can.
coalesce() {
  local usecs=20
  [ "$1" = 1 ] || [ "$2" = 0 ] || usecs=$(($1 * 1000000 / $2))
  [ "$usecs" -le 8000 ] || usecs=8000
  coalesce_hosts "$usecs" || fail "no coalescing of $usecs us"
}

# measure CONTENDER PPS GUESTS POLL: all repetitions.
measure() {
  local before name repetition usecs count=$frames burst=1
  if [ "$2" = 0 ]; then
    burst=$BURST count=$((RING * 9 / 10))
  fi
  coalesce "$4" "$2"
  generator "$count" "$2" "$GUEST_MAC" "$3" "$burst" || fail "no generator"
  for repetition in $(seq 1 "$repetitions"); do
    name="$1/$2/$3/$4/$repetition"
    before=$(delivered)
    window begin "$name" || fail "counting"
    generate
    settled
    window end "$name" "$count" "$receiving" || fail "counting"
    generated_usecs >/run/usecs
    read -r usecs </run/usecs
    echo "measured $1 $2 $3 $4 $repetition $count $(($(delivered) - before)) $usecs"
  done
}

set_up
count start $profile || fail "counting: is this a run with --count-instructions?"
for one in "${contenders[@]}"; do
  contender=${one%:*} guests=1
  [ "$contender" = "$one" ] || guests=${one#*:}
  open_taps "$guests"
  start "$contender" "$guests"
  [[ $contender =~ ^(xdp-drop|nobody)$ ]] || until_true 60 forwards "$guests" || fail "$contender does not forward: $(cat /run/hold.log)"
  pin_nics
  for poll in "${polls[@]}"; do
    # Warms caches, slabs and the emulator's translated code; not measured.
    coalesce "$poll" 10000
    generator 1000 10000 "$GUEST_MAC" "$guests" && generate
    settled
    for pps in "${rates[@]}"; do measure "$contender" "$pps" "$guests" "$poll"; done
  done
  # While its programs are there.
  [ -z "$profile" ] || count symbols
  stop "$contender"
  close_taps
done
echo "done"

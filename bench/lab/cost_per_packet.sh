#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: every contender in turn delivers paced frames to taps, and the emulator's instruction counters are
# read before and after. Prints one line a measurement; the scenario cost-per-packet reads them, and the counters.
#
#   cost_per_packet.sh CONTENDERS RATES POLLS FRAMES REPETITIONS [profile]      comma-separated lists, or a number
#
# CONTENDERS: NAME, or NAME:GUESTS. RATES: packets a second; 0: as fast as the generator can, in bursts of 16, and no more than
# the taps' rings hold; that is measured once, for the first of POLLS. POLLS: how many frames NAPI takes at once, on average;
# 64: as many as it can. What it took is said in hundredths ("polled"), of polls that found any. FRAMES: in a window; a quarter
# where each frame has a poll of its own. With "profile" instructions are counted by address too, for
# tests/lab/count/report.py; then name one contender, for the names of BPF programs are those of the last.
. "${BASH_SOURCE[0]%/*}/contenders.sh"
export COUNT_DIRECTORY=$LAB_OUT

IFS=, read -ra contenders <<<"$1"
IFS=, read -ra rates <<<"$2"
IFS=, read -ra polls <<<"$3"
frames=$4
repetitions=$5
profile=${6:+--profile}

# pktgen computes until the next frame is due in less than 100 us, and sleeps longer waits. Where frames wait in the NIC anyway
# it sends as many at once as are due in this time: a fourth of the instructions to emulate.
NAP_USECS=200
BURST=16       # as fast as the generator can
BUDGET=64      # frames that NAPI takes at once
GATHERED=6     # times 32 frames, a little less than what the NIC's ring holds: a poll is full then
LONGEST=8000   # us that igb can wait
ANOTHER="name another rate, or another number of frames a poll"

napi_poll=/sys/kernel/tracing/events/napi/napi_poll

# burst_of PPS POLL: burst is how many frames are sent at once.
burst_of() {
  burst=1
  if [ "$1" = 0 ]; then
    burst=$BURST
  elif [ "$2" != 1 ]; then
    burst=$((($1 * NAP_USECS + 999999) / 1000000))
  fi
}

# sends COUNT PPS GUESTS POLL: what the next "generate" does.
sends() {
  local burst
  burst_of "$2" "$4"
  generator "$1" $(($2 / burst)) "$GUEST_MAC" "$3" "$burst" || fail "no generator"
}

# watched: generates, and says how many hundredths of a frame the polls took that found any.
watched() {
  local trigger='hist:keys=work if dev_name == "eth0"'
  echo "$trigger" >"$napi_poll/trigger" && generate && settled || return
  awk -F '[^0-9]+' '/^{ work:/ && $2 > 0 { frames += $2 * $3; polls += $3 } END { print int(polls ? 100 * frames / polls : 0) }' \
    "$napi_poll/hist" && echo "!$trigger" >"$napi_poll/trigger"
}

# tried POLL PPS: mean is how many hundredths of a frame polls take when the NIC is told usecs. Frames go up the stack here.
tried() {
  coalesce_hosts "$usecs" || fail "no coalescing of $usecs us"
  sends $(($1 * 100)) "$2" 1 "$1"
  mean=$(watched) || fail "cannot calibrate: polls cannot be watched; does this kernel have histograms of tracepoints?"
  echo "calibrated $1 $2: $usecs us, $mean hundredths"
  [ "$mean" -gt 0 ] || fail "cannot calibrate: no frame arrived at $2 packets a second; is there a link?"
}

# calibrated POLL PPS: usecs is what the NIC has to be told for polls to take POLL frames, by trying: an emulated igb waits several
# times as long as it is told to, and after a long wait lets the next frame through at once.
declare -A told
calibrated() {
  local mean
  usecs=${told[$1/$2]:-}
  [ -z "$usecs" ] || return 0
  usecs=$(($1 * 1000000 / $2 / 2))
  for _ in $(seq 8); do
    usecs=$((usecs < 1 ? 1 : usecs > LONGEST ? LONGEST : usecs))
    tried "$1" "$2"
    if [ $((mean > $1 * 100 ? mean - $1 * 100 : $1 * 100 - mean)) -le $(($1 * 3)) ]; then
      told[$1/$2]=$usecs
      return
    fi
    usecs=$((usecs * $1 * 100 / mean))
  done
  fail "cannot calibrate: polls of $1 frames at $2 packets a second took $mean hundredths at the last of 8 tries; $ANOTHER"
}

# gathered PPS: usecs is a wait in which more comes than a poll takes.
gathered() {
  local mean
  usecs=${told[$BUDGET/$1]:-}
  [ -z "$usecs" ] || return 0
  calibrated 16 "$1"
  usecs=$((usecs * GATHERED < LONGEST ? usecs * GATHERED : LONGEST))
  tried "$BUDGET" "$1"
  [ "$mean" -ge 3200 ] || fail "cannot calibrate: full polls at $1 packets a second took $mean hundredths after $usecs us; $ANOTHER"
  told[$BUDGET/$1]=$usecs
}

# coalesce POLL PPS: how long the NIC waits before it interrupts.
coalesce() {
  local usecs=0
  case $1/$2 in
    */0) usecs=200 ;; # of an emulated igb: the ring does not overflow
    1/*) ;;
    "$BUDGET"/*) gathered "$2" ;;
    *) calibrated "$1" "$2" ;;
  esac
  coalesce_hosts "$usecs" || fail "no coalescing of $usecs us"
}

# calibrate: before the first contender; for "nobody" nothing arrives.
calibrate() {
  local pps poll
  for pps in "${rates[@]}"; do
    for poll in "${polls[@]}"; do coalesce "$poll" "$pps"; done
  done
}

# measure CONTENDER PPS GUESTS POLL: all repetitions.
measure() {
  local before arrived in_time mean name repetition sent usecs burst count=$frames
  if [ "$2" = 0 ]; then
    count=$((RING * 9 / 10))
  elif [ "$4" = 1 ]; then
    count=$((frames / 4))
  fi
  burst_of "$2" "$4"
  count=$((count - count % burst)) # a burst that is begun is sent
  coalesce "$4" "$2"
  # Warms caches, slabs and the emulator's translated code; not measured.
  sends 2000 "$2" "$3" "$4"
  mean=$(watched) || fail "$1: polls cannot be watched"
  echo "polled $1 $2 $3 $4 $mean"
  sends "$count" "$2" "$3" "$4"
  for repetition in $(seq 1 "$repetitions"); do
    name="$1/$2/$3/$4/$repetition"
    before=$(delivered)
    window begin "$name" || fail "counting"
    generate || fail "$name: the generator failed"
    delivered >/run/in_time # no subshell within the window
    settled || fail "$name: frames go on arriving"
    window end "$name" "$count" "$receiving" || fail "counting"
    generated_usecs >/run/usecs && generated_frames >/run/sent || fail "$name: the generator does not say what it did"
    read -r usecs </run/usecs
    read -r sent </run/sent
    read -r in_time </run/in_time
    arrived=$(($(delivered) - before))
    [ "$arrived" -gt 0 ] || takes_nothing || fail "$name: nothing arrived"
    echo "measured $1 $2 $3 $4 $repetition $sent $arrived $usecs $((in_time - before))"
  done
}

# prove: the rates that have a pace; where there is none, one that all can.
prove() {
  local pps
  open_taps 1
  prove_tap tap0
  close_taps
  for pps in "${rates[@]}"; do [ "$pps" = 0 ] || prove_cable "$pps"; done
  [ "${rates[*]}" != 0 ] || prove_cable 10000
}

set_up
prove
count start $profile || fail "counting: is this a run with --count-instructions?"
for one in "${contenders[@]}"; do
  contender=${one%:*} guests=1
  [ "$contender" = "$one" ] || guests=${one#*:}
  open_taps "$guests"
  [ ${#told[@]} -gt 0 ] || calibrate
  start "$contender" "$guests"
  takes_nothing || until_true 60 forwards_steadily "$guests" || fail "$contender does not forward: $(cat /run/hold.log)"
  pin_nics
  for poll in "${polls[@]}"; do
    for pps in "${rates[@]}"; do
      [ "$pps" = 0 ] && [ "$poll" != "${polls[0]}" ] || measure "$contender" "$pps" "$guests" "$poll"
    done
  done
  # While its programs are there.
  [ -z "$profile" ] || count symbols
  stop "$contender"
  close_taps
done
echo "done"

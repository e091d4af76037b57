#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: the highest rate of which nothing is lost, and half a percent. Sender, receiver and reader have a CPU each,
# and take turns by a clock that counts instructions, as in saturation.sh: nothing else that this machine does takes a frame.
# xdpfwd-bench's MLRsearch says which rate comes next. The scenario "ndr" reads what it found.
#
# A trial is FRAMES frames, at a pace. What counts is what has arrived when the sender is done, and LATE_S later: what waits in a
# queue then was too much, though it would arrive in the end. A frame that the sender has not sent in time is lost, too.
#
#   ndr.sh CONTENDERS SEARCHES FRAMES TRIALS
#     CONTENDERS: a comma-separated list; NAME:NUMBER: its searches from that one on; TRIALS: of a rate, that decide it
. "${BASH_SOURCE[0]%/*}/contenders.sh"

IFS=, read -ra contenders <<<"$1"
searches=$2
frames=$3
trials=$4

RING=1024       # slots of a tap, as virtio-net has at most
NIC_RING=1024   # holds what comes while it is another CPU's turn
MOST_PPS=64000  # more than the sender can
BURST=16        # frames at once: each call of the NIC ends the sender's turn, and the next comes some 240 us later
WAIT_USECS=50
LATE_S=0.006    # several turns
BEHIND=64       # frames that the sender may be late by
AFTER_S=1.2     # for LACP's frames of each second are lost like others

mkfifo /run/quiet
exec {quiet}<>/run/quiet
pause() { read -rt "$1" -u "$quiet"; }

# The switch's shell is in the namespace of the generator, whose file says how far it is.
progress() {
  local line
  sofar=0
  while read -r line; do
    [[ $line =~ ^pkts-sofar:\ ([0-9]+) ]] && sofar=${BASH_REMATCH[1]} && return
  done <"/proc/$switch_pid/net/pktgen/eth2"
}

# await_sender COUNT PPS: until all is sent; looked is when it was not yet, at last.
await_sender() {
  local usecs begun
  until looked=${EPOCHREALTIME/./} && progress && [ "$sofar" -gt 0 ]; do pause 0.005; done
  usecs=$((($1 - sofar) * 1000000 / $2 - 5000))
  [ "$usecs" -le 0 ] || pause "$((usecs / 1000000)).$(printf %06d $((usecs % 1000000)))"
  while :; do
    begun=${EPOCHREALTIME/./}
    progress
    [ "$sofar" -lt "$1" ] || return 0
    looked=$begun
    pause 0.002
  done
}

# try CONTENDER SEARCH PPS: lost and due.
try() {
  local pps=$(($3 / BURST * BURST)) count=$((frames / BURST * BURST)) before refused in_time arrived looked sofar usecs sent
  lacp_known || fail "$1: LACP: $(lacp_states)"
  before=$(delivered)
  read -r refused </sys/class/net/tap0/statistics/tx_dropped
  generator "$count" $((pps / BURST)) "$GUEST_MAC" 1 $BURST && begin_generating || fail "no generator"
  await_sender "$count" "$pps"
  pause "$LATE_S"
  in_time=$(($(delivered) - before))
  looked=$((${EPOCHREALTIME/./} - looked))
  switch_answers || fail "$1: the generator failed"
  usecs=$(generated_usecs) && sent=$(generated_frames) || fail "$1: the generator does not say what it did"
  settled || fail "$1: frames go on arriving"
  due=$((pps * usecs / 1000000 - BEHIND))
  due=$((due > sent ? due : sent))
  arrived=$(($(delivered) - before))
  # The bare redirect hands over LACP's frames, too.
  if takes_lacp; then
    in_time=$((in_time < due ? in_time : due)) arrived=$((arrived < due ? arrived : due))
  fi
  lost=$((due - in_time))
  read -r now </sys/class/net/tap0/statistics/tx_dropped
  echo "trial $1 $2 $pps $due $in_time $arrived $((now - refused)) $looked"
  [ $((lost * 100)) -le "$due" ] || pause "$AFTER_S"
}
lacp_known() { takes_lacp || lacp_complete; }

# Where a CPU rested, the others' turns would come sooner. So that a receiver has a third, whatever the rate is, the others work.
workers=()
work() {
  local cpu
  for cpu in "$sending" "$reading"; do
    taskset -c "$cpu" chrt --idle 0 bash -c 'while :; do :; done' &
    workers+=($!)
  done
}
rest() {
  kill "${workers[@]}"
  wait "${workers[@]}" 2>/dev/null
  workers=()
}

# search CONTENDER NUMBER
search() {
  local answer lost due now partner asked told
  coproc SEARCH { exec xdpfwd-bench search --max-load $MOST_PPS --trials "$trials"; }
  # Its variables go when it ends.
  partner=$SEARCH_PID
  exec {asked}<&"${SEARCH[0]}" {told}>&"${SEARCH[1]}"
  while read -ru "$asked" answer; do
    case $answer in
      try\ *)
        try "$1" "$2" "${answer#try }"
        echo "$lost $due" >&"$told"
        ;;
      found\ *) echo "measured $1 $2 ${answer#found }" ;;
    esac
  done
  exec {asked}<&- {told}>&-
  wait "$partner" || fail "$1: the search failed"
}

set_up
taskset -cp "$reading" $$ >/dev/null
on_switch 'said=$$' && switch_pid=$switch_said || fail "no shell on the switch's side"
receive_ring "$NIC_RING" "$WAIT_USECS"
open_taps 1
prove_tap tap0
close_taps
prove_cable 5000 10000
for one in "${contenders[@]}"; do
  IFS=: read -r contender first <<<"$one"
  open_taps 1
  start "$contender" 1
  until_true 60 forwards_steadily 1 || fail "$contender does not forward: $(cat /run/hold.log)"
  pin_nics
  work
  for number in $(seq "${first:-1}" "$searches"); do search "$contender" "$number"; done
  rest
  stop "$contender"
  close_taps
done
echo "done"

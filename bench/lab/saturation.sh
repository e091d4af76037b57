#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: how many frames a second a CPU forwards while more than that arrive. Sender, receiver and reader have a
# CPU each, and take turns by a clock that counts instructions: a receiver that never rests is saturated, however fast the
# emulator is. What one CPU does not use of its turn the others get; so that a receiver always has a third, the two others are
# never idle. Prints a line for each window, which begins and ends while the sender sends (window 0 warms up); the scenario
# "saturation" reads them.
#
#   saturation.sh CONTENDERS WINDOWS      CONTENDERS: a comma-separated list
. "${BASH_SOURCE[0]%/*}/contenders.sh"

IFS=, read -ra contenders <<<"$1"
windows=$2

FRAMES=10000000 # more than can be sent meanwhile
BURST=16
WAIT_USECS=50
NIC_RING=4096 # holds what comes while it is another CPU's turn
# Of what is sent, none is looked at in the beginning; and a rest.
BEFORE_S=0.1 WINDOW_S=0.4 AFTER_S=1.2

mkfifo /run/quiet
exec {quiet}<>/run/quiet
pause() { read -rt "$1" -u "$quiet"; }

# look: the time, in us; frames that NAPI took; those that the tap had no room for; and hundredths of a second that the
# receiving CPU rested. No program is started.
look() {
  local words i nic count
  now=${EPOCHREALTIME/./} taken=0
  for nic in "${HOST_NICS[@]}"; do
    read -r count <"/sys/class/net/$nic/statistics/rx_packets"
    taken=$((taken + count))
  done
  read -r refused </sys/class/net/tap0/statistics/tx_dropped
  { for ((i = -1; i <= receiving; ++i)); do read -ra words; done; } </proc/stat
  idle=$((words[4] + words[5]))
}

# arrived_whole TAKEN REFUSED DELIVERED: what NAPI took has come to the tap, but for a few: nobody dropped it on the
# way, as a bond does whose LACP has expired.
arrived_whole() { [ $((($1 - $2 - $3) * 100)) -le "$1" ] && { takes_lacp || lacp_complete; }; }

# measure CONTENDER WINDOW: then it rests, for LACP's frames of each second are lost like others.
measure() {
  local now taken refused idle was before sent usecs
  look && before=("$taken" "$refused" "$(delivered)")
  generator $FRAMES 0 "$GUEST_MAC" 1 $BURST && begin_generating || fail "no generator"
  pause "$BEFORE_S"
  look && was=("$now" "$taken" "$refused" "$idle")
  pause "$WINDOW_S"
  look && was=($((now - was[0])) $((taken - was[1])) $((refused - was[2])) $(((idle - was[3]) * 10000)))
  tor sh -c 'echo stop >/proc/net/pktgen/pgctrl'
  switch_answers || fail "$1: the generator failed"
  usecs=$(generated_usecs) && sent=$(generated_frames) || fail "$1: the generator does not say what it did"
  pause "$AFTER_S"
  settled || fail "$1: frames go on arriving"
  look && before=($((taken - before[0])) $((refused - before[1])) $(($(delivered) - before[2])))
  arrived_whole "${before[@]}" || fail "$1: NAPI took ${before[0]} frames, the tap refused ${before[1]}, ${before[2]} were read;" \
    "LACP: $(lacp_states)"
  echo "measured $1 $2 ${was[*]} $sent $usecs"
}

set_up
taskset -cp "$reading" $$ >/dev/null
receive_ring "$NIC_RING" "$WAIT_USECS"
open_taps 1
prove_tap tap0
close_taps
prove_cable 10000 # what is lost at full speed is what is measured
chrt --idle 0 bash -c 'while :; do :; done' &
for contender in "${contenders[@]}"; do
  open_taps 1
  start "$contender" 1
  until_true 60 forwards_steadily 1 || fail "$contender does not forward: $(cat /run/hold.log)"
  pin_nics
  measure "$contender" 0 # warms up
  for window in $(seq 1 "$windows"); do measure "$contender" "$window"; done
  stop "$contender"
  close_taps
done
echo "done"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: how many frames a second a CPU forwards while more than that arrive. Sender, receiver and reader have a
# CPU each, and take turns by a clock that counts instructions: a receiver that never rests is saturated, however fast the
# emulator is. Prints a line for each window, which begins and ends while the sender sends; the scenario "saturation" reads them.
#
#   saturation.sh CONTENDERS WINDOWS      CONTENDERS: a comma-separated list
. "${BASH_SOURCE[0]%/*}/contenders.sh"

IFS=, read -ra contenders <<<"$1"
windows=$2

FRAMES=10000000 # more than can be sent meanwhile
BURST=16
WAIT_USECS=50
NIC_RING=4096 # holds what comes while it is another CPU's turn
WINDOW_S=0.5

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

# measure CONTENDER WINDOW
measure() {
  local now taken refused idle was
  look && was=("$now" "$taken" "$refused" "$idle")
  pause "$WINDOW_S"
  look
  echo "measured $1 $2 $((now - was[0])) $((taken - was[1])) $((refused - was[2])) $(((idle - was[3]) * 10000))"
}

set_up
taskset -cp "$reading" $$ >/dev/null
for nic in "${HOST_NICS[@]}"; do ethtool -G "$nic" rx "$NIC_RING" || fail "no ring of $NIC_RING in $nic"; done
until_true 60 lacp_complete || fail "LACP: $(lacp_states)"
coalesce_hosts "$WAIT_USECS" || fail "no coalescing of $WAIT_USECS us"
for contender in "${contenders[@]}"; do
  open_taps 1
  start "$contender" 1
  until_true 60 forwards 1 || fail "$contender does not forward: $(cat /run/hold.log)"
  pin_nics
  generator $FRAMES 0 "$GUEST_MAC" 1 $BURST && begin_generating || fail "no generator"
  pause "$WINDOW_S" # warms up
  for window in $(seq 1 "$windows"); do measure "$contender" "$window"; done
  tor sh -c 'echo stop >/proc/net/pktgen/pgctrl'
  switch_answers || fail "$contender: the generator failed"
  usecs=$(generated_usecs) && sent=$(generated_frames) || fail "$contender: the generator does not say what it did"
  settled || fail "$contender: frames go on arriving"
  echo "sent $contender $sent $usecs"
  stop "$contender"
  close_taps
done
echo "done"

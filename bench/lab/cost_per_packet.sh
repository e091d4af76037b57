#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: every contender in turn delivers paced frames to taps, and the emulator's instruction counters are
# read before and after. Prints one line a measurement; the scenario cost-per-packet reads them, and the counters.
#
#   cost_per_packet.sh CONTENDERS RATES POLLS FRAMES REPETITIONS [profile]      comma-separated lists, or a number
#
# CONTENDERS: NAME, or NAME:GUESTS. RATES: packets a second; 0: as fast as the generator can, in bursts of 16. POLLS: how many frames arrive in the time that
# the NIC waits before it interrupts. With "profile" instructions are counted by address too, for tests/lab/count/report.py.
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/paced.sh"
export COUNT_DIRECTORY=$LAB_OUT

IFS=, read -ra contenders <<<"$1"
IFS=, read -ra rates <<<"$2"
IFS=, read -ra polls <<<"$3"
frames=$4
repetitions=$5
profile=${6:+--profile}

GUEST_MAC=52:54:00:00:00:00 # of the first guest; the others' follow
RING=16384                  # slots of a tap
BURST=16

fail() {
  echo "failed: $*"
  exit 1
}

set_up() {
  nics_up || fail "no NICs"
  modprobe -a tun pktgen openvswitch bridge 8021q
  settle_nics || fail "the NICs do not take the settings"
  local nic
  # The tag stays in the frame for all contenders alike; bond and bridge take it off themselves.
  for nic in "${HOST_NICS[@]}"; do ethtool -K "$nic" rxvlan off >/dev/null || fail "rxvlan of $nic"; done
  bonds_up 802.3ad || fail "no bond"
  ip link set bond0 promisc on
  pin_nics
}

# open_taps N: taps whose readers throw away what comes, as little work as a reader can be.
readers=()
open_taps() {
  local i
  for i in $(seq 0 $(($1 - 1))); do
    taskset -c "$reading" drain "tap$i" >"/run/drain$i" &
    readers+=($!)
    until_true 60 grep -q ready "/run/drain$i" || fail "no tap$i"
    ip link set "tap$i" txqueuelen "$RING" up
    tc qdisc replace dev "tap$i" root noqueue
  done
}
close_taps() {
  kill "${readers[@]}"
  wait "${readers[@]}" 2>/dev/null
  readers=()
}

# start CONTENDER GUESTS
start() {
  rm -f /run/hold.ready
  if [ "$1" = nobody ]; then
    # Frames leave the switch and reach no one: what is left is the sender's own share of the softirqs.
    ip link set eth0 down
    return
  fi
  xdpfwd-bench hold "$1" --uplink eth0 --uplink eth1 --bridge-port bond0 --guests "$2" --ready-file /run/hold.ready >/run/hold.log 2>&1 &
  holder=$!
  until_true 120 test -s /run/hold.ready || fail "$1: $(cat /run/hold.log)"
  # A NIC that gets an XDP program may take its link down for a while.
  until_true 60 links_up || fail "$1: no link"
  # The floors take or drop LACP, too.
  [[ $1 =~ ^(xdp-drop|bare-redirect)$ ]] || until_true 120 lacp_complete || fail "$1: LACP: $(lacp_states)"
}
links_up() { [ "$(cat /sys/class/net/eth0/carrier)$(tor cat /sys/class/net/eth2/carrier)" = 11 ]; }
stop() {
  if [ "$1" = nobody ]; then
    ip link set eth0 up
  else
    kill -INT "$holder"
    wait "$holder" 2>/dev/null
  fi
  case $1 in
    bridge) ip link del br0 ;;
    ovs-kernel) ovs-dpctl del-dp ovs-system ;;
  esac
}

# forwards GUESTS: a frame to each guest arrives.
forwards() {
  local before
  before=$(delivered)
  generator $((2 * $1)) 1000 "$GUEST_MAC" "$1" && generate
  settled
  [ $(($(delivered) - before)) -ge $((2 * $1)) ]
}

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
    count begin "$name" || fail "counting"
    generate
    settled
    count end "$name" "$count" "$receiving" || fail "counting"
    usecs=$(generated_usecs)
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
  stop "$contender"
  close_taps
done
[ -z "$profile" ] || count symbols
echo "done"

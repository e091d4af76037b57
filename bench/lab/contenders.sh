# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: the test bed of the lab's scenarios, and the contenders that come and go on it. A scenario's script reads
# this; what is sent, and what is measured, is its own.
# shellcheck shell=bash
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/paced.sh"
. "${BASH_SOURCE[0]%/*}/environment.sh"
. "${BASH_SOURCE[0]%/*}/self_test.sh"

RING=16384 # slots of a tap

fail() {
  echo "failed: $*"
  exit 1
}

set_up() {
  nics_up || fail "no NICs"
  tell_environment
  modprobe -a tun pktgen openvswitch bridge 8021q
  settle_nics || fail "the NICs do not take the settings"
  bonds_up 802.3ad || fail "no bond"
  ip link set bond0 promisc on
  pin_nics
}

# receive_ring SLOTS USECS: of the hypervisor's NICs, and how long they wait; a reset for it, so LACP begins anew.
receive_ring() {
  local nic
  for nic in "${HOST_NICS[@]}"; do ethtool -G "$nic" rx "$1" || fail "no ring of $1 in $nic"; done
  until_true 60 lacp_complete || fail "LACP: $(lacp_states)"
  coalesce_hosts "$2" || fail "no coalescing of $2 us"
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
    echo "delivers nothing" >/run/hold.log
    return
  fi
  xdpfwd-bench hold "$1" --uplink eth0 --uplink eth1 --bridge-port bond0 --guests "$2" --ready-file /run/hold.ready >/run/hold.log 2>&1 &
  holder=$!
  until_true 120 test -s /run/hold.ready || fail "$1: $(cat /run/hold.log)"
  # A NIC that gets an XDP program may take its link down for a while.
  until_true 60 links_up || fail "$1: no link"
  takes_lacp || until_true 120 lacp_complete || fail "$1: LACP: $(lacp_states)"
}
# Of the contender that is at work.
takes_lacp() { [[ $(</run/hold.log) == *"takes all frames"* ]]; }
takes_nothing() { [[ $(</run/hold.log) == *"delivers nothing"* ]]; }
links_up() { [ "$(cat /sys/class/net/eth0/carrier)$(tor cat /sys/class/net/eth2/carrier)" = 11 ]; }
stop() {
  if [ "$1" = nobody ]; then
    ip link set eth0 up
  else
    kill -INT "$holder"
    wait "$holder" 2>/dev/null
  fi
}

# forwards_steadily GUESTS: for two seconds. A bond may hear late of a NIC that was reset for a program, and then leaves it alone.
forwards_steadily() {
  local _
  for _ in 1 2 3 4 5; do
    forwards "$1" || return
    sleep 0.4
  done
}

# forwards GUESTS: a frame to each guest arrives.
forwards() {
  local before
  before=$(delivered)
  generator $((2 * $1)) 1000 "$GUEST_MAC" "$1" && generate
  settled
  [ $(($(delivered) - before)) -ge $((2 * $1)) ]
}

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: every contender in turn delivers paced frames to taps, and the emulator's instruction counters are
# read before and after. Prints one line a measurement; the scenario cost-per-packet reads them, and the counters.
#
#   cost_per_packet.sh CONTENDERS RATES GUESTS FRAMES REPETITIONS     each a comma-separated list, or a number
. "$LAB_GUEST/topology.sh"
export COUNT_DIRECTORY=$LAB_OUT

IFS=, read -ra contenders <<<"$1"
IFS=, read -ra rates <<<"$2"
IFS=, read -ra guest_counts <<<"$3"
frames=$4
repetitions=$5

fail() {
  echo "failed: $*"
  exit 1
}

# Sender, receiver and the taps' readers have a CPU each where there are three; else they share one.
if [ "$(nproc)" -ge 3 ]; then sending=0 receiving=1 reading=2; else sending=0 receiving=0 reading=0; fi

# settle NIC CPU: one queue, interrupts to that CPU, coalescing at a fixed 20 us, not igb's adaptive modes.
settle() {
  ethtool -L "$1" combined 1
  ethtool -C "$1" rx-usecs 20
}
pin_interrupts() {
  local line
  for line in $(awk -v nic="$1" '$NF ~ "^" nic "(-|$)" { sub(":", "", $1); print $1 }' /proc/interrupts); do
    echo "$2" >"/proc/irq/$line/smp_affinity_list"
  done
}
pin_all() {
  local nic
  for nic in "${HOST_NICS[@]}"; do pin_interrupts "$nic" "$receiving"; done
  for nic in "${TOR_NICS[@]}"; do pin_interrupts "$nic" "$sending"; done
}

set_up() {
  nics_up || fail "no NICs"
  local nic
  for nic in "${HOST_NICS[@]}"; do
    settle "$nic"
    # The tag stays in the frame for all contenders alike; bond and bridge take it off themselves.
    ethtool -K "$nic" rxvlan off || fail "rxvlan of $nic"
  done
  for nic in "${TOR_NICS[@]}"; do tor ethtool -L "$nic" combined 1 && tor ethtool -C "$nic" rx-usecs 20; done
  bonds_up 802.3ad || fail "no bond"
  ip link set bond0 promisc on
  modprobe -a tun pktgen openvswitch bridge 8021q
  pin_all
}

# open_taps N: taps whose readers throw away what comes, as little work as a reader can be.
readers=()
open_taps() {
  local i
  for i in $(seq 0 $(($1 - 1))); do
    taskset -c "$reading" drain "tap$i" >"/run/drain$i" &
    readers+=($!)
    until_true 60 grep -q ready "/run/drain$i" || fail "no tap$i"
    ip link set "tap$i" txqueuelen 16384 up
    tc qdisc replace dev "tap$i" root noqueue
  done
}
close_taps() {
  kill "${readers[@]}"
  wait "${readers[@]}" 2>/dev/null
  readers=()
}

tap_packets() { cat /sys/class/net/tap*/statistics/tx_packets | awk '{ sum += $1 } END { print sum + 0 }'; }
# Since the last look none more came.
settled() {
  local before
  before=$(tap_packets)
  sleep 0.2
  [ "$(tap_packets)" = "$before" ]
}

# start CONTENDER GUESTS
start() {
  rm -f /run/hold.ready
  if [ "$1" = nobody ]; then
    # Frames leave the switch and reach no one: what is left is the sender's own share of the softirqs.
    ip link set eth0 down
    return
  fi
  local uplinks=(--uplink eth0 --uplink eth1)
  xdpfwd-bench hold "$1" "${uplinks[@]}" --bridge-port bond0 --guests "$2" --ready-file /run/hold.ready >/run/hold.log 2>&1 &
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
  until_true 120 lacp_complete || fail "after $1: LACP: $(lacp_states)"
}

# load COUNT PPS GUESTS: what will be sent from the switch's first NIC, by the kernel's generator.
load() {
  local setting
  tor sh -c "echo rem_device_all >/proc/net/pktgen/kpktgend_$sending; echo add_device eth2 >/proc/net/pktgen/kpktgend_$sending" ||
    fail "no pktgen"
  for setting in "count $1" "pkt_size 60" "clone_skb 0" "delay 0" "ratep $2" "dst 10.0.0.2" "src_min 10.0.0.1" \
    "src_max 10.0.0.1" "dst_mac 52:54:00:00:00:00" "dst_mac_count $3" "src_mac 52:54:00:00:01:aa" "vlan_id 100"; do
    tor sh -c 'echo "$1" >/proc/net/pktgen/eth2' sh "$setting" || fail "pktgen refuses $setting"
  done
}
go() { tor sh -c 'echo start >/proc/net/pktgen/pgctrl'; }

# forwards GUESTS: a frame to each guest arrives.
forwards() {
  local before
  before=$(tap_packets)
  load $((2 * $1)) 1000 "$1"
  go
  until_true 5 settled
  [ $(($(tap_packets) - before)) -ge $((2 * $1)) ]
}

measure() {
  local contender=$1 pps=$2 guests=$3 repetition=$4 before name
  name="$contender/$pps/$guests/$repetition"
  load "$frames" "$pps" "$guests"
  before=$(tap_packets)
  count begin "$name" || fail "counting"
  go
  until_true 30 settled
  count end "$name" "$frames" "$receiving" || fail "counting"
  echo "measured $contender $pps $guests $repetition $frames $(($(tap_packets) - before))"
}

set_up
count start || fail "counting: is this a run with --count-instructions?"
for guests in "${guest_counts[@]}"; do
  open_taps "$guests"
  for contender in "${contenders[@]}"; do
    start "$contender" "$guests"
    [[ $contender =~ ^(xdp-drop|nobody)$ ]] || until_true 60 forwards "$guests" || fail "$contender does not forward: $(cat /run/hold.log)"
    pin_all
    # Warms caches, slabs and the emulator's translated code; not measured.
    load 1000 10000 "$guests"
    go
    until_true 30 settled
    for repetition in $(seq 1 "$repetitions"); do
      for pps in "${rates[@]}"; do measure "$contender" "$pps" "$guests" "$repetition"; done
    done
    stop "$contender"
  done
  close_taps
done
echo "done"

# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: generator and sinks without any forwarder between them. What they lose or count wrongly by themselves, no
# forwarder is to be blamed for; so every script of a scenario begins with it, and ends when it fails. The harness takes no
# figure of a script that has not said "self-test" before. For scripts that have read paced.sh and have a "fail".
# shellcheck shell=bash

GUEST_MAC=52:54:00:00:00:00 # of the first guest; the others' follow
PROOF_FRAMES=2000
PROOF_RATE_OFF=2 # percent that a pace may be off

# proved WHAT PPS SENT COUNTED [USECS]: what a self-test came to. 0 pps: at no pace.
proved() {
  local due=$(($2 ? $3 * 1000000 / $2 : 0))
  echo "self-test $1 $2 $3 $4"
  [ "$3" -gt 0 ] && [ "$3" = "$4" ] || fail "self-test of $1: $3 frames were sent and $4 counted, without any forwarder"
  [ "$2" = 0 ] || [ $(((due > $5 ? due - $5 : $5 - due) * 100)) -le $((due * PROOF_RATE_OFF)) ] ||
    fail "self-test of $1: $3 frames at $2 a second were sent in $5 us"
}

# What comes to MAC at a NIC is counted and ends there, where the stack gets it: before a bond, a bridge and whoever forwards.
# sink_on NIC MAC [PROGRAM...]: as "tor", which does it on the switch's side.
sink_on() {
  local nic=$1 mac=$2
  shift 2
  "$@" tc qdisc add dev "$nic" clsact && "$@" tc filter add dev "$nic" ingress protocol all flower dst_mac "$mac" action drop ||
    fail "self-test: no sink at $nic"
}
sink_off() {
  local nic=$1
  shift
  "$@" tc qdisc del dev "$nic" clsact
}
sunk() {
  local nic=$1
  shift
  "$@" tc -s filter show dev "$nic" ingress | sed -n 's/.* bytes \([0-9]*\) pkt.*/\1/p'
}

# The hypervisor's NICs together.
sinks_on() {
  local nic
  for nic in "${HOST_NICS[@]}"; do sink_on "$nic" "$GUEST_MAC"; done
}
sinks_off() {
  local nic
  for nic in "${HOST_NICS[@]}"; do sink_off "$nic"; done
}
all_sunk() {
  local nic sum=0
  for nic in "${HOST_NICS[@]}"; do sum=$((sum + $(sunk "$nic"))); done
  echo "$sum"
}
at_least() {
  local wanted=$1
  shift
  [ "$("$@")" -ge "$wanted" ]
}

# prove_cable PPS...: the switch's generator at each pace, from NIC to NIC.
prove_cable() {
  local pps sent usecs
  for pps; do
    sinks_on
    generator "$PROOF_FRAMES" "$pps" "$GUEST_MAC" && generate || fail "self-test: no generator"
    sent=$(generated_frames) && usecs=$(generated_usecs) || fail "self-test: the generator sent nothing; is there a link?"
    until_true 5 at_least "$sent" all_sunk
    proved cable "$pps" "$sent" "$(all_sunk)" "$usecs"
    sinks_off
  done
}

# prove_tap TAP [CPU]: a generator on this side, straight into the tap, past its queueing discipline; its reader counts.
prove_tap() {
  local thread=/proc/net/pktgen/kpktgend_${2:-$sending} device=/proc/net/pktgen/$1 before setting sent
  before=$(delivered)
  echo rem_device_all >"$thread" && echo "add_device $1" >"$thread" || fail "self-test: no generator for $1"
  for setting in "count $PROOF_FRAMES" "pkt_size 60" "clone_skb 0" "delay 100000" "dst_mac $GUEST_MAC"; do
    echo "$setting" >"$device" || fail "self-test: pktgen refused: $setting"
  done
  echo start >/proc/net/pktgen/pgctrl || fail "self-test: no generator"
  settled || fail "self-test: frames go on arriving at $1"
  sent=$(sed -n 's/.*pkts-sofar: \([0-9]*\).*/\1/p' "$device")
  proved "$1" 0 "$sent" $(($(delivered) - before))
  echo rem_device_all >"$thread"
}

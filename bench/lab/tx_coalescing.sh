#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: a NIC sends and receives at once, with each setting of tx-usecs in turn, set by xdpfwd's tuning. Prints the
# histogram of napi_poll's work for each; the scenario tx-coalescing reads it, and the instruction counters.
#
#   tx_coalescing.sh TX_USECS RX_PPS TX_PPS FRAMES REPETITIONS      TX_USECS is a comma-separated list
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/paced.sh"
. "$LAB_GUEST/product.sh"
. "${BASH_SOURCE[0]%/*}/environment.sh"
. "${BASH_SOURCE[0]%/*}/self_test.sh"
export COUNT_DIRECTORY=$LAB_OUT

IFS=, read -ra settings <<<"$1"
receive_pps=$2
send_pps=$3
frames=$4
repetitions=$5
SWITCH_MAC=52:54:00:00:01:aa
polls=/sys/kernel/tracing/events/napi/napi_poll

fail() {
  echo "failed: $*"
  exit 1
}

# outgoing: what eth0 sends, beside what it receives. The generator has one thread for each CPU and a file for each device.
outgoing() {
  local setting
  echo rem_device_all >"/proc/net/pktgen/kpktgend_$receiving"
  echo "add_device eth0" >"/proc/net/pktgen/kpktgend_$receiving" || return
  for setting in "count 0" "pkt_size 60" "clone_skb 0" "ratep $send_pps" "dst 10.0.0.1" "src_min 10.0.0.2" \
    "src_max 10.0.0.2" "dst_mac $SWITCH_MAC" "src_mac 52:54:00:00:00:00"; do
    echo "$setting" >/proc/net/pktgen/eth0 || return
  done
}

# prove_outgoing: it has no end of its own.
prove_outgoing() {
  local sent
  tor ip link set eth2 promisc on # the MAC is nobody's
  sink_on eth2 "$SWITCH_MAC" tor
  outgoing || fail "self-test: no generator on eth0"
  echo start >/proc/net/pktgen/pgctrl &
  until_true 10 at_least 1 sunk eth2 tor
  echo stop >/proc/net/pktgen/pgctrl
  wait $!
  sent=$(outgone)
  until_true 5 at_least "$sent" sunk eth2 tor
  proved outgoing 0 "$sent" "$(sunk eth2 tor)"
  sink_off eth2 tor
  tor ip link set eth2 promisc off
}
outgone() { sed -n 's/.*pkts-sofar: \([0-9]*\).*/\1/p' /proc/net/pktgen/eth0; }

# tuned TX_USECS: by xdpfwd, which leaves it so when it stops, and takes its program off again: what is measured is the NIC.
# Forced, as a link that its program has just reset has no speed to make a bound from.
tuned() {
  local tuning='steering = "off"\ncpus = "keep"\nnoqueue = "off"\nrps = "keep"\nlro = "keep"\nprofile = "none"\nforce = "yes"'
  mkdir -p /etc/xdpfwd /run/xdpfwd /var/lib/xdpfwd
  printf '[uplink]\ndevices = ["eth0"]\npromisc = "off"\n[control]\ngroup = ""\n[tuning]\n%b\ntx_usecs = %s\n' "$tuning" "$1" \
    >/etc/xdpfwd/xdpfwd.toml
  daemon_up && xdpctl tune apply && daemon_down && xdpfwd --detach-all && until_true 60 links_up || return
  [ "$(ethtool -c eth0 | awk '/^tx-usecs:/ { print $2 }')" = "$1" ]
}

# measure TX_USECS REPETITION
measure() {
  local name="tx-usecs/$1/$2" sent
  generator "$frames" "$receive_pps" 52:54:00:00:00:00 || fail "no generator"
  outgoing || fail "no generator on eth0"
  echo "hist:keys=work if dev_name == \"eth0\"" >"$polls/trigger" || fail "this kernel has no histograms of tracepoints"
  count begin "$name" || fail "counting"
  echo start >/proc/net/pktgen/pgctrl &
  generate
  echo stop >/proc/net/pktgen/pgctrl
  wait $!
  count end "$name" "$frames" "$receiving" || fail "counting"
  sent=$(outgone)
  echo "measured $1 $2 $frames $sent $(generated_usecs)"
  sed -n "s/^{ work: *\([0-9]*\) } hitcount: *\([0-9]*\)/polls $1 $2 \1 \2/p" "$polls/hist"
  echo "!hist:keys=work if dev_name == \"eth0\"" >"$polls/trigger"
}

nics_up || fail "no NICs"
tell_environment
modprobe pktgen
settle_nics || fail "the NICs do not take the settings"
ip link set eth0 promisc on up
tor ip link set eth2 up
links_up() { [ "$(cat /sys/class/net/eth0/carrier)$(tor cat /sys/class/net/eth2/carrier)" = 11 ]; }
until_true 60 links_up || fail "no link"
pin_nics
prove_cable "$receive_pps"
prove_outgoing
count start || fail "counting: is this a run with --count-instructions?"
for repetition in $(seq 1 "$repetitions"); do
  for usecs in "${settings[@]}"; do
    tuned "$usecs" >>/run/tuned.log 2>&1 || { tail -20 /run/tuned.log; fail "eth0 does not take tx-usecs $usecs"; }
    measure "$usecs" "$repetition"
  done
done
echo "done"

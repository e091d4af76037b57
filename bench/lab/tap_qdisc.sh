#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# In the lab's guest: one CPU, then two at once, send to a tap as fast as they can through its queueing discipline. The kernel's
# generator gives its frames to the stack's transmit path, as a bridge, Open vSwitch or tc would that forwards to the tap; an XDP
# redirect would not meet the discipline at all. Each discipline has a tap of its own; they take turns. The script and the taps'
# readers have a CPU that does not send. The generator's threads look every 100 ms whether to start: when each was at work is told.
# Window 0 warms up. Prints a line for each; the scenario "tap-qdisc-lab" reads them, and the instruction counters.
#
#   tap_qdisc.sh WINDOWS [profile]      profile: instructions by address too, for tests/lab/count/report.py
. "$LAB_GUEST/checks.sh"
. "$LAB_GUEST/knobs.sh"
. "$LAB_GUEST/paced.sh"
. "$LAB_GUEST/product.sh"
. "${BASH_SOURCE[0]%/*}/environment.sh"
. "${BASH_SOURCE[0]%/*}/self_test.sh"
export COUNT_DIRECTORY=$LAB_OUT

windows=$1
profile=${2:+--profile}

# fq_codel is what Debian gives a tap; "tuned" what xdpfwd's own tuning makes of it.
DISCIPLINES=(noqueue tuned pfifo_fast fq_codel)
declare -A TAP=([noqueue]=tap0 [tuned]=tap1 [pfifo_fast]=tap2 [fq_codel]=tap3)
declare -A KIND=([noqueue]=noqueue [tuned]=noqueue [pfifo_fast]=pfifo_fast [fq_codel]=fq_codel)
RING=32767   # slots of a tap, the most that it takes; one reader empties it meanwhile
FRAMES=20000 # that each CPU sends
TOGETHER=75  # percent of the time that two CPUs have to send at once for a window to be one

fail() {
  echo "failed: $*"
  exit 1
}

# tune: the daemon leaves the tap as it tuned it, and takes its programs off again.
tune() {
  ip link add up0 type veth peer name up1 && ip link set up1 up && ip link set up0 up || return
  mkdir -p /etc/xdpfwd /run/xdpfwd /var/lib/xdpfwd
  printf '%s\n' '[uplink]' 'devices = ["up0"]' '[control]' 'group = ""' '[tuning]' 'profile = "none"' 'rps = "keep"' \
    '[[guest]]' 'name = "vm"' "tap = \"${TAP[tuned]}\"" "mac = \"$(guest_mac 1)\"" 'vlan = 100' >/etc/xdpfwd/xdpfwd.toml
  daemon_up && xdpctl tune apply && daemon_down && xdpfwd --detach-all
}

open_taps() {
  local discipline
  for discipline in "${DISCIPLINES[@]}"; do
    drain "${TAP[$discipline]}" >"/run/drain.$discipline" &
    until_true 60 grep -q ready "/run/drain.$discipline" || fail "no ${TAP[$discipline]}"
    ip link set "${TAP[$discipline]}" txqueuelen "$RING" up
    [ "$(root_qdisc "${TAP[$discipline]}")" = fq_codel ] || fail "a tap's default is not fq_codel"
  done
  tc qdisc replace dev "${TAP[noqueue]}" root noqueue || fail "no noqueue"
  tc qdisc replace dev "${TAP[pfifo_fast]}" root pfifo_fast || fail "no pfifo_fast"
  tune >/run/tuned.log 2>&1 || { tail -20 /run/tuned.log; fail "tuning"; }
}

# set_generators TAP CPUS: a flow for each.
set_generators() {
  local cpu setting
  for cpu in 0 1; do echo rem_device_all >"/proc/net/pktgen/kpktgend_$cpu" || return; done
  for ((cpu = 0; cpu < $2; ++cpu)); do
    echo "add_device $1@$cpu" >"/proc/net/pktgen/kpktgend_$cpu" || return
    for setting in "xmit_mode queue_xmit" "count $FRAMES" "pkt_size 60" "clone_skb 0" "delay 0" "dst 10.0.0.2" "src_min 10.0.1.$cpu" \
      "src_max 10.0.1.$cpu" "dst_mac $(guest_mac 1)" "src_mac 52:54:00:00:01:0$cpu"; do
      echo "$setting" >"/proc/net/pktgen/$1@$cpu" || { echo "pktgen refused: $setting"; return 1; }
    done
  done
}

# sent TAP CPUS: by each CPU: how many frames it offered to the discipline, and when it began and ended, in us.
sent() {
  local cpu text
  sent=()
  for ((cpu = 0; cpu < $2; ++cpu)); do
    read -rd '' text <"/proc/net/pktgen/$1@$cpu"
    [[ $text =~ pkts-sofar:\ ([0-9]+)\ +errors:\ ([0-9]+)[[:space:]]+started:\ ([0-9]+)us\ +stopped:\ ([0-9]+)us ]] ||
      fail "the generator does not say what it sent: $text"
    sent+=($((BASH_REMATCH[1] + BASH_REMATCH[2])) "${BASH_REMATCH[3]}" "${BASH_REMATCH[4]}")
  done
}
# together: of what "sent" found.
together() {
  local first last both
  [ ${#sent[@]} -gt 3 ] || return 0
  first=$((sent[1] < sent[4] ? sent[1] : sent[4])) last=$((sent[2] > sent[5] ? sent[2] : sent[5]))
  both=$(((sent[2] < sent[5] ? sent[2] : sent[5]) - (sent[1] > sent[4] ? sent[1] : sent[4])))
  [ $((both * 100)) -ge $(((last - first) * TOGETHER)) ]
}

# fates TAP: frames that were read, that the tap had no room for, and that the discipline dropped.
fates() {
  local dropped
  dropped=$(tc -s qdisc show dev "$1" root | sed -n 's/.*(dropped \([0-9]*\),.*/\1/p')
  echo "$(cat "/sys/class/net/$1/statistics/tx_packets") $(cat "/sys/class/net/$1/statistics/tx_dropped") ${dropped:-0}"
}

# storm DISCIPLINE CPUS WINDOW: fails when it has to be done again.
storm() {
  local tap=${TAP[$1]} name="$1/$2/$3" sent before fates i
  [ "$(root_qdisc "$tap")" = "${KIND[$1]}" ] || fail "$tap has $(root_qdisc "$tap"), not ${KIND[$1]}"
  set_generators "$tap" "$2" || fail "no generator"
  read -ra before < <(fates "$tap")
  window begin "$name" || fail "counting"
  echo start >/proc/net/pktgen/pgctrl || fail "the generator failed"
  window end "$name" "$FRAMES" 0 || fail "counting"
  settled || fail "$name: frames go on arriving"
  read -ra fates < <(fates "$tap")
  for i in 0 1 2; do fates[i]=$((fates[i] - before[i])); done
  sent "$tap" "$2"
  [ $((fates[0] + fates[1] + fates[2])) = $((sent[0] + ${sent[3]:-0})) ] ||
    fail "$name: of ${sent[0]} + ${sent[3]:-0} frames ${fates[0]} were read, ${fates[1]} refused, ${fates[2]} dropped"
  together || return
  echo "measured $1 $2 $3 ${fates[*]} ${sent[*]}"
}
measure() {
  local _
  for _ in $(seq 10); do
    storm "$@" && return
  done
  fail "$*: the CPUs did not send at once, ten times"
}

tell_kernel
[ "$(nproc)" -ge 3 ] || fail "two CPUs send, another reads: this needs three"
modprobe -a tun pktgen veth
sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
taskset -cp 2 $$ >/dev/null
open_taps
for cpu in 0 1; do
  for discipline in "${DISCIPLINES[@]}"; do prove_tap "${TAP[$discipline]}" "$cpu"; done
done
count start $profile || fail "counting: is this a run with --count-instructions?"
for window in $(seq 0 "$windows"); do
  for cpus in 1 2; do
    for discipline in "${DISCIPLINES[@]}"; do measure "$discipline" "$cpus" "$window"; done
  done
done
[ -z "$profile" ] || count symbols
echo "done"

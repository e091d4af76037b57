# SPDX-License-Identifier: BSD-2-Clause
# What the cases of tuning in action share: everything that tuning may touch as others read it, and how long a change of
# somebody else's lasts.
# shellcheck shell=bash

# host_knobs NIC...: of these, of all interrupts, qdiscs and the host.
host_knobs() {
  local nic option
  for nic in "$@"; do
    for option in -c -k -n -l -g -x; do
      echo "ethtool $option $nic"
      ethtool "$option" "$nic" 2>&1
    done
    ethtool --per-queue "$nic" --show-coalesce 2>&1
    grep -H . /sys/class/net/"$nic"/queues/*/[rx]ps_cpus
  done
  grep -H . /proc/irq/*/smp_affinity
  tc qdisc show
  sysctl net.core.default_qdisc
}

# tune_with LINE...: the [tuning] section, taken by the daemon if it runs.
tune_with() {
  mkdir -p /etc/xdpfwd/xdpfwd.d
  { echo '[tuning]'; printf '%s\n' "$@"; } >/etc/xdpfwd/xdpfwd.d/tuning.toml
  [ -z "$xdpfwd_pid" ] || xdpctl reload
}

nothing_to_tune() { [ "$(xdpctl tune plan --json | jq '(.changes | length) + .waiting')" = 0 ]; }
tuned() { until_true 90 nothing_to_tune; }
changes_of() { xdpctl tune plan --json | jq -r ".changes[] | select($1) | \"\\(.device) \\(.knob) \\(.to)\""; }

# set_again WHAT COMMAND...: a check that the command becomes true within 60 s; it says after how many ms it was.
set_again() {
  local what=$1 start=${EPOCHREALTIME/./} passed=0
  shift
  until "$@" >/dev/null 2>&1; do
    passed=$((${EPOCHREALTIME/./} - start))
    [ $passed -lt 60000000 ] || { not_ok "$what: not set again within 60 s"; return; }
  done
  ok "$what: set again after $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
}

# lost_frames COUNT BEFORE: of COUNT frames sent since `forwarded` was BEFORE.
lost_frames() { echo $(($1 + $2 - $(forwarded))); }

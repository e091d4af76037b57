# SPDX-License-Identifier: BSD-2-Clause
# What the cases of host tuning's knobs share: build/tests/knob, and the same asked of ethtool and tc.
# shellcheck shell=bash

# shown KNOB[/INDEX] [NIC]: its value, as xdpfwd sees it; nothing if the NIC does not have it.
shown() { knob show "${2:-eth0}" | sed -n "s|^${2:-eth0} $1 '\\(.*\\)'\$|\\1|p"; }
# fact NAME [NIC]: from the line of the NIC; "queues": all that follows.
fact() {
  knob show "${2:-eth0}" | awk -v name="$1" '$1 == "nic" { for (i = 3; i <= NF; i++) if ($i == name) {
    if (name != "queues") { print $(i + 1); exit }
    for (i++; i <= NF; i++) printf "%s ", $i; print "" } }'
}

# current -l|-g NAME: of ethtool's current settings.
current() { ethtool "$1" eth0 | sed '1,/^Current/d' | awk -v name="$2:" '$1 == name { print $2 }'; }
coalesced() { ethtool -c eth0 | awk -v name="$1:" '$1 == name { print $2 }'; }
coalesced_of_queue() {
  ethtool --per-queue eth0 queue_mask "$(printf '0x%x' $((1 << $1)))" --show-coalesce | awk -v name="$2:" '$1 == name { print $2 }'
}
root_qdisc() { tc qdisc show dev "$1" root | awk '{ print $2 }'; }

# refused NAME WORDS COMMAND...: it fails, and its words have these in them.
refused() {
  local name=$1 words=$2 said
  shift 2
  if said=$("$@" 2>&1); then
    not_ok "$name: was not refused"
  elif [[ "$said" == *"$words"* ]]; then
    ok "$name is refused: ${said#knob: }"
  else
    not_ok "$name: no '$words' in: $said"
  fi
}

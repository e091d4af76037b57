# SPDX-License-Identifier: BSD-2-Clause
# xdpfwd under systemd, with the units that are installed and the programs of the build tree; and what its pollers count.
# Leaves the configuration to product.sh and tuning.sh.
# shellcheck shell=bash

# install_units: the programs where the units have them.
install_units() {
  local program unit
  for program in xdpfwd xdpfwd-poller xdpctl; do cp "$(program_of "$program")" "/usr/sbin/$program" || return; done
  for unit in xdpfwd.service xdpfwd-poller@.service; do
    sed -e 's|@daemon@|/usr/sbin/xdpfwd|; s|@poller@|/usr/sbin/xdpfwd-poller|; s|@xdpctl@|/usr/sbin/xdpctl|' \
      "$LAB_TREE/deploy/$unit.in" >"/etc/systemd/system/$unit" || return
  done
  groupadd --system xdpfwd 2>/dev/null
  systemctl daemon-reload
}
# program_of NAME: what the wrapper on the lab's PATH runs.
program_of() { sed -n 's/^LD_LIBRARY_PATH=[^ ]* exec \([^ ]*\) .*/\1/p' "/run/lab/bin/$1"; }

system_is_up() { systemctl is-system-running | grep -qE "running|degraded"; }

# poller_counters NAME: as cpu2.
poller_counters() { xdpfwd-poller --status --name "$1" 2>/dev/null; }
# poller_sum NAME COUNTER: over all its queues.
poller_sum() { poller_counters "$1" | jq -er "[.queues[].$2] | add"; }
poller_polls() { [ "$(poller_counters "$1" | jq -r .running)" = true ] && [ "$(poller_sum "$1" own_polls)" -gt 0 ]; }
# kernel_polls_for_processes: by io_uring's static NAPI ids.
kernel_polls_for_processes() { [ "$(printf '%s\n' 6.13 "$(uname -r)" | sort -V | head -1)" = 6.13 ]; }

# problem: what status says is wrong with tuning.
problem() { xdpctl tune status --json | jq -r '.problems[] | "\(.thing): \(.why)"'; }
all_forwarded() { [ "$(reason forwarded)" -ge "$1" ]; }

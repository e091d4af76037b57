// SPDX-License-Identifier: BSD-2-Clause
// Whose the receiving CPU was, by kind: softirqs; the system, that is threads of the kernel, and the
// contender's processes and the poller in it; these in user space; the harness's own reader or victim; other
// processes; nobody. Together 100 %.
#pragma once

#include "bench/child.h"
#include "bench/result_file.h"
#include "bench/telemetry.h"

namespace xdpfwd::bench {

// cpu_softirq_percent, ..._system_, ..._user_, ..._harness_, ..._others_, ..._idle_. `processes` is what the
// contender's and the poller cost meanwhile; user's and system's is divided as the kernel's ticks divide it.
Metrics cpu_by_kind(const CpuReading& cpu, const ProcessCost& processes);

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
#include "bench/cpu_kinds.h"

#include <algorithm>

namespace xdpfwd::bench {

Metrics cpu_by_kind(const CpuReading& cpu, const ProcessCost& processes) {
  const auto percent = [&](uint64_t ns) {
    return static_cast<double>(ns) / static_cast<double>(std::max<uint64_t>(1, cpu.at_ns)) * 100;
  };
  const auto ticks = static_cast<double>(processes.user_ticks + processes.system_ticks);
  // Not the kernel's own sum for these processes: it had half of a poller's time on Linux 6.18, where that
  // and a reader take a CPU from each other 50 000 times a second.
  const double ours = percent(cpu.task_ns[BENCH_TASK_DAEMON] + cpu.task_ns[BENCH_TASK_POLLER]);
  const double user = ticks > 0 ? ours * static_cast<double>(processes.user_ticks) / ticks : 0;
  return {{"cpu_softirq_percent", percent(cpu.net_softirq_ns + cpu.other_softirq_ns)},
          {"cpu_system_percent",
           percent(cpu.task_ns[BENCH_TASK_KERNEL] + cpu.task_ns[BENCH_TASK_NAPI]) + ours - user},
          {"cpu_user_percent", user},
          {"cpu_harness_percent", percent(cpu.task_ns[BENCH_TASK_HARNESS])},
          {"cpu_others_percent", percent(cpu.task_ns[BENCH_TASK_PROCESS])},
          {"cpu_idle_percent", percent(cpu.task_ns[BENCH_TASK_IDLE])}};
}

}  // namespace xdpfwd::bench

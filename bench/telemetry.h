// SPDX-License-Identifier: BSD-2-Clause
// What a CPU did, at two moments: softirq time by our own clock, who had it otherwise, NAPI's polls, the
// kernel's own accounting and interrupts beside it. The difference of two readings is a measurement.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "bench/softirq_clock.h"

struct softirq_clock_bpf;

namespace xdpfwd::bench {

struct CpuReading {
  uint64_t at_ns = 0;
  uint64_t net_softirq_ns = 0;    // NET_RX and NET_TX, on the watched CPU
  uint64_t other_softirq_ns = 0;  // timers, RCU, scheduler
  uint64_t other_cpus_ns = 0;     // NET_RX and NET_TX, on all other CPUs
  uint64_t polls = 0;
  uint64_t empty_polls = 0;
  uint64_t packets = 0;
  uint64_t stray_packets = 0;  // handled by other CPUs
  // Who had the watched CPU while no softirq had it, by softirq_clock_task. Interrupts' own handlers are in
  // the time of whomever they interrupt. Together with the softirqs: all time.
  std::array<uint64_t, BENCH_TASKS> task_ns{};
  uint64_t contender_ns = 0;  // of the processes followed, on all CPUs, without softirqs
  uint64_t switches = 0;      // of context
  uint64_t interrupts = 0;    // of any kind, the timer's too, on the watched CPU
  // By the kernel's tick, in ticks: what mpstat shows.
  uint64_t tick_user = 0;
  uint64_t tick_softirq = 0;
  uint64_t tick_all = 0;
};

CpuReading operator-(const CpuReading& later, const CpuReading& earlier);

class Telemetry {
 public:
  static Result<std::unique_ptr<Telemetry>> start(unsigned cpu);
  ~Telemetry();

  // NAPI polls of devices in this namespace are counted from now on.
  void watch(uint32_t netns_inode);
  // These processes' time is told from the next time on that they get a CPU; nobody else's is any more. An
  // error: this kernel tells their numbers otherwise.
  Result<void> follow(const std::vector<pid_t>& processes);
  // What the program counted, and the time: cheap.
  [[nodiscard]] CpuReading read() const;
  // Also what /proc says: a millisecond.
  [[nodiscard]] CpuReading read_all() const;

 private:
  explicit Telemetry(unsigned cpu) : cpu_(cpu) {}
  unsigned cpu_;
  softirq_clock_bpf* skeleton_ = nullptr;
  const softirq_row* rows_ = nullptr;
  std::vector<uint32_t> followed_;
};

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// The host that contenders are simulated on: each NAPI is a queue of work, each CPU gives its time to the
// NAPIs that are on it, in equal shares to those that want it. Counts what that costs whom. docs/packing.md
// has the definitions. Where NAPIs are is the contenders' business.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "packer/host.h"
#include "packer/model/delays.h"

namespace xdpfwd::packer {

struct HostModel {
  uint32_t cpus = 96;
  double ring_frames = 4096;  // of each NAPI; what comes when it is full is lost
  double move_us = 50;        // of work, on the new CPU: cold caches, the thread, the interrupt
  double burst_frames = 16;   // that arrive together
  uint32_t interval = 100;    // steps of a control interval
  uint32_t slot = 10;         // steps; load is compared with capacity at the end of each, over the last
                              // interval and, as the strict figure, over the slot alone
};

class FluidHost {
 public:
  FluidHost(const HostModel& model, std::span<const float> cost_ns);

  // One step; `cpu_of` says where each NAPI is in it. What differs from the step before is a move.
  void step(std::span<const float> frames, std::span<const uint32_t> cpu_of);
  // Ends a control interval: what a controller can see of it. Valid until the next.
  std::span<const NapiLoad> end_interval();
  // What was counted so far is forgotten; what waits stays.
  void start_counting();

  struct Figures {
    double cpus = 0;              // that had any work, mean over the control intervals
    double overload_percent = 0;  // of the time: some CPU was offered more than it can do, over an interval
    double overload_cpu_percent = 0;  // of the time of used CPUs: that one was
    double strict_percent = 0;        // of the time: some CPU was, over a slot
    double moves_per_s = 0;
    double lost_percent = 0;                     // of the frames
    double p50_us = 0, p99_us = 0, p999_us = 0;  // of their waiting
    double load = 0;                             // CPUs' worth of work offered, mean
  };
  [[nodiscard]] Figures figures() const;
  [[nodiscard]] uint64_t moves() const { return moves_; }

 private:
  void serve_full(uint32_t cpu);
  void end_slot();

  HostModel model_;
  std::vector<double> cost_us_;
  // Of each NAPI.
  std::vector<double> backlog_us_, wanted_us_, served_us_, waited_us_, frames_;
  std::vector<uint32_t> cpu_of_;
  // Of each CPU.
  std::vector<double> cpu_wanted_, cpu_arrived_, cpu_backlog_, cpu_frames_, cpu_slot_, cpu_interval_;
  std::vector<double> cpu_slots_;   // the last interval's, slot by slot
  std::vector<double> cpu_recent_;  // their sum
  std::vector<uint32_t> on_full_;
  std::vector<NapiLoad> loads_;
  size_t slot_ = 0;  // the oldest of those
  bool placed_ = false;
  uint32_t in_slot_ = 0;
  uint32_t in_interval_ = 0;
  // Counted.
  Delays delays_;
  uint64_t steps_ = 0, intervals_ = 0, slots_ = 0, over_ = 0, over_slots_ = 0, cpu_slots_used_ = 0,
           over_cpus_ = 0;
  uint64_t cpus_used_ = 0, moves_ = 0;
  double arrived_frames_ = 0, lost_frames_ = 0, arrived_us_ = 0;
};

}  // namespace xdpfwd::packer

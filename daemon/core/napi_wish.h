// SPDX-License-Identifier: BSD-2-Clause
// Who runs a NIC's NAPI instances, as people write it: one mode for all queues, and others for some of them.
// What a mode sets is decided in tuning/napi_modes.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xdpfwd {

enum class NapiMode : uint8_t {
  kKeep,      // as it is
  kSoftirq,   // in softirqs, after an interrupt
  kDeferred,  // in softirqs, by the kernel's timer: no interrupts under load
  kThreaded,  // in kernel threads, which the scheduler sees
  kBusyPoll,  // in a process that has a CPU to itself: xdpfwd-poller
  kAuto,      // in kernel threads that are packed on as few CPUs as they need
};

// "softirq", ...
std::string_view name_of(NapiMode mode);

// "threaded", or "softirq, 0-1 threaded, 7 deferred": for all queues, and for those that are named.
struct NapiWish {
  struct Exception {
    std::vector<uint32_t> queues;  // sorted, not empty
    NapiMode mode = NapiMode::kKeep;
    bool operator==(const Exception&) const = default;
  };
  NapiMode mode = NapiMode::kKeep;
  std::vector<Exception> exceptions;  // no queue is in two of them

  [[nodiscard]] NapiMode of_queue(uint32_t queue) const;
  bool operator==(const NapiWish&) const = default;
};
Result<NapiWish> parse_napi_wish(std::string_view text);
std::string text_of(const NapiWish& wish);

// How a thread is scheduled: "other -10" (nice, -20 to 19), "batch 0", "idle 0", "fifo 50", "rr 50"
// (priority, 1 to 99); and "deadline", which can be observed and not be set. The number that a policy does
// not have is left out.
struct ThreadSchedule {
  enum class Policy : uint8_t { kOther, kBatch, kIdle, kFifo, kRoundRobin, kDeadline };
  Policy policy = Policy::kOther;
  int32_t number = 0;  // nice, or priority
  [[nodiscard]] std::string text() const;
  bool operator==(const ThreadSchedule&) const = default;
};
Result<ThreadSchedule> parse_thread_schedule(std::string_view text);

}  // namespace xdpfwd

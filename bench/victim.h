// SPDX-License-Identifier: BSD-2-Clause
// The victim: a computation pinned to the receiving CPU, like `openssl speed` in the article. What it gets
// done is what packets leave of the CPU. It knows its own undisturbed speed from its quickest steps.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "base/result.h"

namespace xdpfwd::bench {

class Victim {
 public:
  explicit Victim(unsigned cpu) : cpu_(cpu) {}
  ~Victim() { stop(); }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  Result<void> start();
  void stop();
  // Steps done since the start.
  [[nodiscard]] uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
  // How long a step takes that nothing interrupts.
  [[nodiscard]] uint64_t step_ns() const { return quickest_ns_.load(std::memory_order_relaxed); }

 private:
  unsigned cpu_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<uint64_t> steps_ = 0;
  std::atomic<uint64_t> quickest_ns_ = UINT64_MAX;
};

}  // namespace xdpfwd::bench

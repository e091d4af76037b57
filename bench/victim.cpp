// SPDX-License-Identifier: BSD-2-Clause
#include "bench/victim.h"

#include <algorithm>

#include "pktgen/sender.h"
#include "pktgen/worker_thread.h"

namespace xdpfwd::bench {
namespace {

// About five microseconds of dependent multiplications: no memory, no system call.
uint64_t step(uint64_t value) {
  for (int i = 0; i < 4000; ++i) value = value * 6364136223846793005ULL + 1442695040888963407ULL;
  return value;
}

}  // namespace

Result<void> Victim::start() {
  stopping_ = false;
  auto thread = pktgen::start_worker("bench-victim", cpu_, [this] {
    uint64_t value = 1;
    uint64_t before = pktgen::monotonic_ns();
    while (!stopping_.load(std::memory_order_relaxed)) {
      value = step(value);
      const uint64_t now = pktgen::monotonic_ns();
      // The result is used, so that the work is done.
      const uint64_t took = now - before + (value == 0 ? 1 : 0);
      quickest_ns_.store(std::min(quickest_ns_.load(std::memory_order_relaxed), took),
                         std::memory_order_relaxed);
      steps_.fetch_add(1, std::memory_order_relaxed);
      before = now;
    }
  });
  if (!thread) return std::unexpected(thread.error());
  thread_ = std::move(*thread);
  return {};
}

void Victim::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

}  // namespace xdpfwd::bench

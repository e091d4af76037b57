// SPDX-License-Identifier: BSD-2-Clause
// NAPI by a kernel thread of its own that polls without end (Linux 6.19 and later), put on the poller's CPU.
// The poller itself only watches over it, and puts back what was there when it ends.
#pragma once

#include "poller/changes.h"
#include "poller/napi_handle.h"
#include "poller/napi_lookup.h"

namespace xdpfwd::poller {

class ThreadHandle final : public NapiHandle {
 public:
  ThreadHandle(NapiLookup& lookup, Changes& changes, uint32_t cpu)
      : lookup_(lookup), changes_(changes), cpu_(cpu) {}
  ~ThreadHandle() override;
  ThreadHandle(const ThreadHandle&) = delete;
  ThreadHandle& operator=(const ThreadHandle&) = delete;
  Result<void> aim(const NapiPlace& place) override;
  [[nodiscard]] bool lost(uint32_t thread) const override { return napi_ != 0 && thread != thread_; }
  void poll(std::chrono::nanoseconds /*period*/) override {}  // the thread does
  [[nodiscard]] HandleKind kind() const override { return HandleKind::kThreaded; }
  [[nodiscard]] uint64_t needed_capabilities() const override;

 private:
  NapiLookup& lookup_;
  Changes& changes_;
  uint32_t cpu_;
  uint32_t napi_ = 0;  // that has the thread; 0 = none
  uint32_t thread_ = 0;
};

}  // namespace xdpfwd::poller

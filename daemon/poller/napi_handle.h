// SPDX-License-Identifier: BSD-2-Clause
// A way to have a NAPI instance polled in our own context. Which there is depends on kernel and driver, and
// is found by trying (choose_handle.h).
#pragma once

#include <chrono>
#include <cstdint>

#include "base/result.h"
#include "kernel/poller_counters.h"

namespace xdpfwd::poller {

// The ways.
using HandleKind = PollerHandle;

struct NapiPlace {
  uint32_t ifindex = 0;
  uint32_t queue = 0;
  uint32_t napi = 0;
};

class NapiHandle {
 public:
  virtual ~NapiHandle() = default;
  // From now on this instance: a NIC that was reset has others. Also the first one.
  virtual Result<void> aim(const NapiPlace& place) = 0;
  // What aim() made is gone, though the instance is the same, which has this thread now (0: none): aim anew.
  [[nodiscard]] virtual bool lost(uint32_t /*thread*/) const { return false; }
  // Polls it for a while, then lets it go. Returns early for a signal, and when another process wants the
  // CPU.
  virtual void poll(std::chrono::nanoseconds period) = 0;
  // One poll() is for all handles of this kind that do not rest.
  [[nodiscard]] virtual bool shares_turns() const { return false; }
  // Leaves it out of the others' poll(), or has it in again, as after aim().
  virtual void rest(bool /*resting*/) {}
  [[nodiscard]] virtual HandleKind kind() const = 0;
  // Capabilities, as bits, that a later aim() needs.
  [[nodiscard]] virtual uint64_t needed_capabilities() const = 0;
};

}  // namespace xdpfwd::poller

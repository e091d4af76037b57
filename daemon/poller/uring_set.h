// SPDX-License-Identifier: BSD-2-Clause
// NAPI by io_uring's static tracking (Linux 6.13 and later): a ring without any requests, told NAPI ids,
// polls them while somebody waits for it: one alone again and again, several one after the other. So that
// several need no system call and no timer of a wait between them, a poller has one ring for all.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd::poller {

class UringSet {
 public:
  // Several are polled for `longest` at most, whatever poll() is told.
  static Result<UringSet> open(std::chrono::microseconds longest);
  // An instance that serves several queues may be added once for each.
  Result<void> add(uint32_t napi);
  void remove(uint32_t napi);
  // Polls them for a while, then lets them go. Returns early for a signal. One alone is let go also when
  // another process wants the CPU, several are not.
  void poll(std::chrono::nanoseconds period);

 private:
  UringSet(UniqueFd ring, uint32_t longest_us) : ring_(std::move(ring)), longest_us_(longest_us) {}
  [[nodiscard]] Result<void> tell(std::vector<uint32_t> napis) const;
  UniqueFd ring_;
  uint32_t longest_us_;
  std::vector<uint32_t> napis_;
};

}  // namespace xdpfwd::poller

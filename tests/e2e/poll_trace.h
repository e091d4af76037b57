// SPDX-License-Identifier: BSD-2-Clause
// The polls of a device's NAPI that found frames, as the kernel traces them: who polled, when, and how many
// it found.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace xdpfwd::test {

struct TracedPoll {
  double us = 0;
  pid_t pid = 0;         // of the running thread; a softirq's polls have that of the thread they interrupt
  std::string instance;  // the kernel's name for it
  int found = 0;
  int budget = 0;  // 8 by io_uring, 64 by softirqs
};

// Needs root; traces until it goes, apart from whoever else traces.
class PollTrace {
 public:
  explicit PollTrace(const std::string& device);
  ~PollTrace();
  PollTrace(const PollTrace&) = delete;
  PollTrace& operator=(const PollTrace&) = delete;
  [[nodiscard]] std::vector<TracedPoll> polls() const;

 private:
  std::string folder_;
};

}  // namespace xdpfwd::test

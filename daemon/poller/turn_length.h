// SPDX-License-Identifier: BSD-2-Clause
// How long a turn is. To begin and end one costs two timers, so a queue that is polled alone has long ones.
// But the kernel ends a turn early when another process wants the CPU, and then the poller sleeps to the
// turn's end while frames wait for the queue's own timer: turns are short, until nobody has wanted the CPU
// for a while. Pure: times are given to it.
#pragma once

#include <chrono>

namespace xdpfwd::poller {

class TurnLength {
 public:
  using Nanoseconds = std::chrono::nanoseconds;
  // Long turns last so long.
  explicit TurnLength(Nanoseconds longest) : longest_(longest) {}

  // Of a queue whose period that is, and which nobody waits behind if it is alone.
  [[nodiscard]] Nanoseconds next(Nanoseconds period, bool alone, Nanoseconds now) const;
  // A turn has ended now: how long it was, and how long the poller ran in it.
  void ended(Nanoseconds lasted, Nanoseconds ran, Nanoseconds now);

 private:
  Nanoseconds longest_;
  Nanoseconds short_until_{0};
};

}  // namespace xdpfwd::poller

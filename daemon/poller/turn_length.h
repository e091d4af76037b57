// SPDX-License-Identifier: BSD-2-Clause
// How long a turn is. To begin and end one costs two timers, so a queue that is polled alone has long ones.
// But the kernel ends a turn early when another process wants the CPU, and then the poller sleeps to the
// turn's end while frames wait for the queue's own timer: turns are short, until nobody has wanted the CPU
// for a while.
// Short ones that end early take few frames each, and end before that timer, so nobody takes the rest. When
// more come than they can take, turns are long all the same, if the timer ends within one: its softirq
// empties the queue, late and cheaply. Pure: times and counts are given to it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "poller/options.h"

namespace xdpfwd::poller {

class TurnLength {
 public:
  using Nanoseconds = std::chrono::nanoseconds;
  // Long turns last so long, and never longer than the kernel polls.
  explicit TurnLength(Nanoseconds longest) : longest_(std::min<Nanoseconds>(longest, kLongestTurn)) {}

  // Of a queue whose period that is, and which nobody waits behind if it is alone. Its `timer`
  // (gro_flush_timeout) empties it when nobody polls it; 0: none, or not known.
  [[nodiscard]] Nanoseconds next(Nanoseconds period, bool alone, Nanoseconds timer, Nanoseconds now) const;
  struct Turn {
    Nanoseconds period;  // of its queue
    Nanoseconds lasted;
    Nanoseconds ran;  // the poller, in it
    uint64_t frames;  // taken from the queue meanwhile, by whomever
  };
  // It has ended now.
  void ended(const Turn& turn, Nanoseconds now);

 private:
  Nanoseconds longest_;
  Nanoseconds short_until_{0};
  // Since the rate was last looked at.
  int64_t turns_ = 0;
  int64_t frames_ = 0;
  Nanoseconds lasted_{0};
  Nanoseconds short_turn_{0};  // what a short turn takes, with what others do of its time
  bool too_many_ = false;      // come for short turns
};

}  // namespace xdpfwd::poller

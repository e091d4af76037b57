// SPDX-License-Identifier: BSD-2-Clause
#include "poller/turn_length.h"

#include <algorithm>

namespace xdpfwd::poller {
namespace {

// Turns stay short for so long after the last that was disturbed.
constexpr std::chrono::milliseconds kWary{100};

}  // namespace

TurnLength::Nanoseconds TurnLength::next(Nanoseconds period, bool alone, Nanoseconds now) const {
  return alone && now >= short_until_ ? std::max(period, longest_) : period;
}

void TurnLength::ended(Nanoseconds lasted, Nanoseconds ran, Nanoseconds now) {
  if (ran < lasted * 3 / 4) short_until_ = now + kWary;
}

}  // namespace xdpfwd::poller

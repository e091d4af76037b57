// SPDX-License-Identifier: BSD-2-Clause
#include "poller/turn_length.h"

#include <algorithm>

namespace xdpfwd::poller {
namespace {

// Turns stay short for so long after the last that was disturbed.
constexpr std::chrono::milliseconds kWary{100};
// How often the rate is looked at: before a ring of 256 is full at a million frames a second less what turns
// take, and after enough turns to know.
constexpr std::chrono::microseconds kWindow{500};
// What io_uring takes in a turn that the kernel ends at once: a poll of 8, and one to let the instance go.
constexpr int64_t kLeastFrames = 16;

}  // namespace

TurnLength::Nanoseconds TurnLength::next(Nanoseconds period, bool alone, Nanoseconds timer,
                                         Nanoseconds now) const {
  const bool emptied = timer > Nanoseconds(0) && 2 * timer <= longest_;
  return alone && (now >= short_until_ || (too_many_ && emptied)) ? std::max(period, longest_) : period;
}

void TurnLength::ended(const Turn& turn, Nanoseconds now) {
  if (turn.ran < turn.lasted * 3 / 4) short_until_ = now + kWary;
  ++turns_;
  frames_ += static_cast<int64_t>(turn.frames);
  lasted_ += turn.lasted;
  if (lasted_ < kWindow) return;
  const Nanoseconds mean = lasted_ / turns_;
  // Long turns tell nothing of short ones: what was seen of those is soon forgotten.
  short_turn_ = mean < longest_ ? mean : short_turn_ / 2;
  short_turn_ = std::max(short_turn_, turn.period);
  // Three quarters: at its most a short turn is taken for too short.
  too_many_ = frames_ * short_turn_ >= kLeastFrames * lasted_ * 3 / 4;
  turns_ = 0;
  frames_ = 0;
  lasted_ = Nanoseconds(0);
}

}  // namespace xdpfwd::poller

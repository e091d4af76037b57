// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include <algorithm>

#include "poller/turn_length.h"

namespace xdpfwd::poller {
namespace {

using namespace std::chrono_literals;
using Nanoseconds = TurnLength::Nanoseconds;

constexpr Nanoseconds kPeriod = 50us;
constexpr Nanoseconds kLong = 1ms;
constexpr Nanoseconds kTimer = 200us;

// A poller whose only queue is polled, beside a reader that ends each turn, and then takes `away` of its
// time. The queue fills at a steady rate. The kernel's timer empties it if a turn lasts long enough.
class Beside {
 public:
  explicit Beside(Nanoseconds away, Nanoseconds timer = kTimer) : away_(away), timer_(timer) {}
  // The mean length of a turn while frames come for so long at this rate.
  Nanoseconds turns(int64_t pps, Nanoseconds how_long) {
    const Nanoseconds begin = now_;
    int64_t turns = 0;
    for (; now_ - begin < how_long; ++turns) {
      const Nanoseconds turn = length_.next(kPeriod, true, timer_, now_);
      const Nanoseconds lasted = turn + away_;
      waiting_ += pps * lasted.count() / 1'000'000'000;
      const int64_t taken = turn >= timer_ ? waiting_ : std::min<int64_t>(waiting_, 16);
      waiting_ = std::min<int64_t>(waiting_ - taken, 256);
      now_ += lasted;
      length_.ended({.period = kPeriod, .lasted = lasted, .ran = 5us, .frames = static_cast<uint64_t>(taken)},
                    now_);
    }
    return (now_ - begin) / turns;
  }

 private:
  TurnLength length_{kLong};
  Nanoseconds away_;
  Nanoseconds timer_;
  Nanoseconds now_ = 1s;
  int64_t waiting_ = 0;
};

TEST(TurnLength, IsLongForAQueueThatIsAlone) {
  const TurnLength length(kLong);
  EXPECT_EQ(length.next(kPeriod, true, kTimer, 1s), kLong);
  EXPECT_EQ(length.next(2ms, true, kTimer, 1s), 2ms);
  EXPECT_EQ(length.next(kPeriod, false, kTimer, 1s), kPeriod);
}

TEST(TurnLength, IsNeverLongerThanTheKernelPolls) {
  EXPECT_EQ(TurnLength(1s).next(kPeriod, true, kTimer, 1s), kLongestTurn);
}

TEST(TurnLength, IsShortAfterATurnThatAnotherProcessEnded) {
  TurnLength length(kLong);
  length.ended({kPeriod, 1ms, 990us, 10}, 1s);
  EXPECT_EQ(length.next(kPeriod, true, kTimer, 1s), kLong);
  length.ended({kPeriod, 1ms, 100us, 10}, 1s);
  EXPECT_EQ(length.next(kPeriod, true, kTimer, 1s), kPeriod);
  // Short ones that are undisturbed do not end it at once: the next frame wakes its reader again.
  length.ended({kPeriod, 50us, 50us, 0}, 1s + 50us);
  EXPECT_EQ(length.next(kPeriod, true, kTimer, 1s + 50us), kPeriod);
  EXPECT_EQ(length.next(kPeriod, true, kTimer, 1s + 100ms), kLong);
}

TEST(TurnLength, StaysShortAsLongAsTheCpuIsShared) {
  TurnLength length(kLong);
  for (int i = 0; i < 10; ++i) length.ended({kPeriod, 50us, 10us, 1}, 1s + i * 50ms);
  EXPECT_EQ(length.next(kPeriod, true, kTimer, 1s + 549ms), kPeriod);
  EXPECT_EQ(length.next(kPeriod, true, kTimer, 1s + 550ms), kLong);
}

TEST(TurnLength, IsLongBesideAReaderWhenMoreComeThanShortOnesTake) {
  Beside reader(6us);
  EXPECT_LT(reader.turns(10'000, 1s), 60us);
  EXPECT_LT(reader.turns(180'000, 1s), 60us);
  EXPECT_GT(reader.turns(300'000, 1s), 900us);
  EXPECT_GT(reader.turns(500'000, 1s), 900us);
  EXPECT_LT(reader.turns(180'000, 1s), 60us) << "and short again";
}

// Nobody would take the rest.
TEST(TurnLength, StaysShortBesideAReaderWhereTheTimerIsLong) {
  Beside reader(6us, 20ms);
  EXPECT_LT(reader.turns(500'000, 1s), 60us);
}

// Short turns take 16 frames in 150 us beside it.
TEST(TurnLength, KnowsAReaderThatTakesLong) {
  Beside reader(100us);
  EXPECT_LT(reader.turns(50'000, 1s), 160us);
  EXPECT_GT(reader.turns(150'000, 1s), 250us) << "most of the time";
  EXPECT_LT(reader.turns(50'000, 1s), 160us);
}

TEST(TurnLength, ForgetsWhatHappenedOnce) {
  TurnLength length(kLong);
  // All at once 50 frames, as others had the CPU for a while.
  length.ended({kPeriod, 400us, 10us, 0}, 1s);
  length.ended({kPeriod, 400us, 10us, 50}, 1s);
  length.ended({kPeriod, 400us, 10us, 50}, 1s);
  EXPECT_EQ(length.next(kPeriod, true, kTimer, 1s), kLong);
  for (int i = 0; i < 3; ++i) length.ended({kPeriod, 1ms, 100us, 50}, 1s);
  EXPECT_EQ(length.next(kPeriod, true, kTimer, 1s), kPeriod) << "50 kpps are not too many for short ones";
}

}  // namespace
}  // namespace xdpfwd::poller

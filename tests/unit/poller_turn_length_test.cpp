// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include "poller/turn_length.h"

namespace xdpfwd::poller {
namespace {

using namespace std::chrono_literals;

TEST(TurnLength, IsLongForAQueueThatIsAlone) {
  const TurnLength length(1ms);
  EXPECT_EQ(length.next(50us, true, 1s), 1ms);
  EXPECT_EQ(length.next(2ms, true, 1s), 2ms);
  EXPECT_EQ(length.next(50us, false, 1s), 50us);
}

TEST(TurnLength, IsShortAfterATurnThatAnotherProcessEnded) {
  TurnLength length(1ms);
  length.ended(1ms, 990us, 1s);
  EXPECT_EQ(length.next(50us, true, 1s), 1ms);
  length.ended(1ms, 100us, 1s);
  EXPECT_EQ(length.next(50us, true, 1s), 50us);
  // Short ones that are undisturbed do not end it at once: the next frame wakes its reader again.
  length.ended(50us, 50us, 1s + 50us);
  EXPECT_EQ(length.next(50us, true, 1s + 50us), 50us);
  EXPECT_EQ(length.next(50us, true, 1s + 100ms), 1ms);
}

TEST(TurnLength, StaysShortAsLongAsTheCpuIsShared) {
  TurnLength length(1ms);
  for (int i = 0; i < 10; ++i) length.ended(50us, 10us, 1s + i * 50ms);
  EXPECT_EQ(length.next(50us, true, 1s + 549ms), 50us);
  EXPECT_EQ(length.next(50us, true, 1s + 550ms), 1ms);
}

}  // namespace
}  // namespace xdpfwd::poller

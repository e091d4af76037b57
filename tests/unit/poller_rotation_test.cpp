// SPDX-License-Identifier: BSD-2-Clause
// Turns and back-offs, with given times and counts.
#include <gtest/gtest.h>

#include "poller/rotation.h"

namespace xdpfwd::poller {
namespace {

using namespace std::chrono_literals;

std::vector<size_t> turns(Rotation& rotation, size_t count) {
  std::vector<size_t> taken;
  for (size_t i = 0; i < count; ++i)
    if (const auto queue = rotation.next()) taken.push_back(*queue);
  return taken;
}

TEST(PollerRotationTest, queues_have_turns_one_after_the_other) {
  Rotation rotation(3, 1ms);
  EXPECT_FALSE(rotation.next().has_value()) << "absent at first";
  EXPECT_FALSE(rotation.any_backed_off());
  for (size_t i = 0; i < 3; ++i) rotation.set_present(i, true, 0ns);
  EXPECT_EQ(turns(rotation, 7), (std::vector<size_t>{0, 1, 2, 0, 1, 2, 0}));
  rotation.set_present(1, false, 0ns);
  EXPECT_EQ(rotation.state(1), QueueState::kAbsent);
  EXPECT_EQ(turns(rotation, 4), (std::vector<size_t>{2, 0, 2, 0}));
  EXPECT_FALSE(rotation.alone());
  rotation.set_present(2, false, 0ns);
  EXPECT_TRUE(rotation.alone());
  rotation.set_present(1, true, 0ns);
  rotation.set_present(2, true, 0ns);
  EXPECT_EQ(turns(rotation, 3), (std::vector<size_t>{1, 2, 0}));
}

TEST(PollerRotationTest, queues_that_share_their_turns_have_one_for_all) {
  Rotation rotation(4, 10ms);
  rotation.shares_turns(1);
  rotation.shares_turns(3);
  for (size_t i = 0; i < 4; ++i) rotation.set_present(i, true, 0ns);
  EXPECT_EQ(turns(rotation, 6), (std::vector<size_t>{0, 1, 2, 0, 1, 2}));
  rotation.set_present(1, false, 0ns);
  EXPECT_EQ(turns(rotation, 6), (std::vector<size_t>{3, 0, 2, 3, 0, 2})) << "the first that is there";
  rotation.set_present(1, true, 0ns);
  rotation.set_present(0, false, 0ns);
  rotation.set_present(2, false, 0ns);
  EXPECT_EQ(turns(rotation, 2), (std::vector<size_t>{1, 1}));
  EXPECT_FALSE(rotation.alone()) << "the other one waits for the end of the turn's rounds";
  rotation.counted(1, 0, 1s);
  EXPECT_EQ(rotation.state(1), QueueState::kBackedOff);
  EXPECT_EQ(turns(rotation, 2), (std::vector<size_t>{3, 3}));
  EXPECT_TRUE(rotation.alone());
}

TEST(PollerRotationTest, an_idle_queue_is_left_alone_and_comes_back_with_its_first_frame) {
  Rotation rotation(2, 10ms);
  rotation.set_present(0, true, 5ms);
  rotation.set_present(1, true, 5ms);
  rotation.counted(0, 0, 14999us);
  EXPECT_EQ(rotation.state(0), QueueState::kPolling) << "idle since it came, for not quite 10 ms";
  rotation.counted(1, 7, 14999us);
  rotation.counted(0, 0, 15ms);
  rotation.counted(1, 7, 15ms);
  EXPECT_EQ(rotation.state(0), QueueState::kBackedOff);
  EXPECT_TRUE(rotation.any_backed_off());
  EXPECT_EQ(rotation.state(1), QueueState::kPolling) << "it has had frames";
  EXPECT_EQ(turns(rotation, 3), (std::vector<size_t>{1, 1, 1}));
  rotation.counted(1, 7, 24999us);
  EXPECT_EQ(rotation.state(1), QueueState::kBackedOff);
  EXPECT_FALSE(rotation.next().has_value());
  rotation.counted(0, 0, 1s);
  EXPECT_EQ(rotation.state(0), QueueState::kBackedOff);
  rotation.counted(0, 1, 1s);
  EXPECT_EQ(rotation.state(0), QueueState::kPolling);
  EXPECT_EQ(turns(rotation, 2), (std::vector<size_t>{0, 0}));
  rotation.counted(0, 1, 1s + 9ms);
  EXPECT_EQ(rotation.state(0), QueueState::kPolling) << "counted from the frame, not from the last back-off";
  EXPECT_EQ(rotation.backoffs(0), 1U);
  EXPECT_EQ(rotation.returns(0), 1U);
}

TEST(PollerRotationTest, with_no_idle_time_no_queue_is_left_alone) {
  Rotation rotation(1, 0ns);
  rotation.set_present(0, true, 0ns);
  rotation.counted(0, 0, 24h);
  EXPECT_EQ(rotation.state(0), QueueState::kPolling);
  EXPECT_EQ(rotation.backoffs(0), 0U);
}

TEST(PollerRotationTest, a_queue_that_comes_back_is_not_idle_yet) {
  Rotation rotation(1, 10ms);
  rotation.set_present(0, true, 0ns);
  rotation.set_present(0, false, 5ms);
  rotation.counted(0, 0, 50ms);
  EXPECT_EQ(rotation.state(0), QueueState::kAbsent) << "absent, and not backed off";
  rotation.counted(0, 3, 50ms);
  EXPECT_EQ(rotation.state(0), QueueState::kAbsent) << "frames do not bring it back: only an instance does";
  rotation.set_present(0, true, 60ms);
  rotation.counted(0, 3, 65ms);
  EXPECT_EQ(rotation.state(0), QueueState::kPolling);
  rotation.set_present(0, true, 69ms);
  rotation.counted(0, 3, 70ms);
  EXPECT_EQ(rotation.state(0), QueueState::kBackedOff) << "that it is still there is no work";
}

TEST(PollerRotationTest, a_queue_that_the_kernel_polls_has_no_turns_and_is_never_left_alone) {
  Rotation rotation(2, 10ms);
  rotation.polls_itself(0);
  for (size_t i = 0; i < 2; ++i) rotation.set_present(i, true, 0ns);
  EXPECT_EQ(turns(rotation, 3), (std::vector<size_t>{1, 1, 1}));
  EXPECT_TRUE(rotation.alone()) << "nobody waits behind the other one";
  for (size_t i = 0; i < 2; ++i) rotation.counted(i, 0, 24h);
  EXPECT_EQ(rotation.state(0), QueueState::kPolling);
  EXPECT_EQ(rotation.backoffs(0), 0U);
  EXPECT_EQ(rotation.state(1), QueueState::kBackedOff);
  EXPECT_FALSE(rotation.next().has_value());
  rotation.set_present(0, false, 24h);
  EXPECT_EQ(rotation.state(0), QueueState::kAbsent);
}

}  // namespace
}  // namespace xdpfwd::poller

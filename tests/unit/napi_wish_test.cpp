// SPDX-License-Identifier: BSD-2-Clause
// Modes of NAPI as people write them, and how threads are scheduled.
#include "core/napi_wish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xdpfwd {
namespace {

using testing::HasSubstr;

TEST(NapiWish, one_mode_for_all_queues) {
  for (const NapiMode mode :
       {NapiMode::kKeep, NapiMode::kSoftirq, NapiMode::kDeferred, NapiMode::kThreaded, NapiMode::kBusyPoll}) {
    const auto wish = parse_napi_wish(name_of(mode));
    ASSERT_TRUE(wish) << wish.error().text();
    EXPECT_EQ(*wish, (NapiWish{.mode = mode, .exceptions = {}}));
    EXPECT_EQ(wish->of_queue(3), mode);
  }
}

TEST(NapiWish, other_modes_for_some_queues) {
  const auto wish = parse_napi_wish("softirq, 0-1,4 threaded,  7   deferred, 8-9 busy-poll");
  ASSERT_TRUE(wish) << wish.error().text();
  ASSERT_EQ(wish->exceptions.size(), 3U);
  EXPECT_THAT(wish->exceptions[0].queues, testing::ElementsAre(0, 1, 4));
  EXPECT_EQ(wish->of_queue(0), NapiMode::kThreaded);
  EXPECT_EQ(wish->of_queue(4), NapiMode::kThreaded);
  EXPECT_EQ(wish->of_queue(7), NapiMode::kDeferred);
  EXPECT_EQ(wish->of_queue(9), NapiMode::kBusyPoll);
  EXPECT_EQ(wish->of_queue(2), NapiMode::kSoftirq);
}

TEST(NapiWish, is_written_short_and_read_again) {
  const auto wish = parse_napi_wish("softirq, 100-8191 threaded, 0,2-3,9 deferred");
  ASSERT_TRUE(wish) << wish.error().text();
  EXPECT_EQ(text_of(*wish), "softirq, 100-8191 threaded, 0,2-3,9 deferred");
  EXPECT_EQ(*parse_napi_wish(text_of(*wish)), *wish);
}

TEST(NapiWish, what_is_wrong_is_named) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "'' is no mode"},
      {"fast", "'fast' is no mode"},
      {"softirq,", "nothing between or behind its commas"},
      {"softirq, 0-1", "'0-1' has no mode"},
      {"softirq, 0-1 fast", "'fast' is no mode"},
      {"softirq, 3-1 threaded", "'3-1' is not a list of queues"},
      {"softirq, 1 threaded, 0-2 deferred", "queue 1 is named twice"},
      {"0 threaded", "'0 threaded' is no mode"},
      {"softirq threaded", "'softirq threaded' is no mode"},
  };
  for (const auto& [text, why] : wrong) {
    const auto wish = parse_napi_wish(text);
    ASSERT_FALSE(wish) << text;
    EXPECT_THAT(wish.error().message, HasSubstr(why)) << text;
    EXPECT_FALSE(wish.error().remedy.empty()) << text;
  }
}

TEST(ThreadScheduleText, is_read_as_it_is_written) {
  for (const char* text :
       {"other 0", "other -20", "other 19", "batch 5", "idle 0", "fifo 1", "fifo 99", "rr 50"}) {
    const auto schedule = parse_thread_schedule(text);
    ASSERT_TRUE(schedule) << text;
    EXPECT_EQ(schedule->text(), text);
  }
  for (const char* text : {"", "other", "other 20", "other -21", "fifo 0", "fifo 100", "fifo", "fast 1",
                           "other 1 ", "deadline", "deadline 1", "keep"})
    EXPECT_FALSE(parse_thread_schedule(text)) << text;
}

}  // namespace
}  // namespace xdpfwd

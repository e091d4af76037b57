// SPDX-License-Identifier: BSD-2-Clause
// What a poller is asked to do, as text: what is understood, and what is said of the rest.
#include <gtest/gtest.h>

#include "poller/options.h"

namespace xdpfwd::poller {
namespace {

using namespace std::chrono_literals;

TEST(PollerOptionsTest, a_queue_is_a_nic_and_a_number) {
  const auto queue = parse_queue("eth0:3");
  ASSERT_TRUE(queue) << queue.error().text();
  EXPECT_EQ(queue->device, "eth0");
  EXPECT_EQ(queue->queue, 3U);
  EXPECT_EQ(queue->period, 10us);
  EXPECT_EQ(queue->budget, 0U);
  EXPECT_EQ(queue->name(), "eth0:3");
}

TEST(PollerOptionsTest, a_queue_may_have_a_period_and_a_budget) {
  const auto queue = parse_queue("enp1s0f0np0:12,period=100,budget=32");
  ASSERT_TRUE(queue) << queue.error().text();
  EXPECT_EQ(queue->device, "enp1s0f0np0");
  EXPECT_EQ(queue->queue, 12U);
  EXPECT_EQ(queue->period, 100us);
  EXPECT_EQ(queue->budget, 32U);
}

TEST(PollerOptionsTest, a_name_may_have_any_character) {
  const auto queue = parse_queue("a%22b%5C,%23:3");
  ASSERT_TRUE(queue) << queue.error().text();
  EXPECT_EQ(queue->device, "a\"b\\,#");
}

TEST(PollerOptionsTest, what_is_no_queue_is_named_with_what_is_wrong) {
  struct Case {
    const char* text;
    const char* words;
  };
  for (const Case& bad : {Case{"", "write it as eth0:3"},
                          {"eth0", "write it as eth0:3"},
                          {":3", "write it as eth0:3"},
                          {"eth0:", "queue number '' is no number from 0 to 65535"},
                          {"eth0:-1", "queue number '-1'"},
                          {"eth0:65536", "queue number '65536'"},
                          {"eth0:3x", "queue number '3x'"},
                          {"a_name_of_sixteen:0", "too long for a NIC's name"},
                          {"eth0:3,", "unknown ''"},
                          {"eth0:3,speed=1", "unknown 'speed'"},
                          {"eth0:3,period", "period '' is no number"},
                          {"eth0:3,period=1", "period '1' is no number from 2"},
                          {"eth0:3,period=10001", "to 10000"},
                          {"eth%2:0", "'%2' is no character"},
                          {"eth%2g:0", "'%2g' is no character"},
                          {"eth%00:0", "'%00' is no character"},
                          {"eth0:3,budget=0", "budget '0' is no number from 1"}}) {
    const auto queue = parse_queue(bad.text);
    ASSERT_FALSE(queue) << bad.text;
    EXPECT_NE(queue.error().text().find(bad.words), std::string::npos) << queue.error().text();
    EXPECT_NE(queue.error().text().find(bad.text), std::string::npos) << queue.error().text();
  }
}

Options good() {
  return {.name = "cpu3", .cpu = 3, .queues = {{.device = "eth0"}, {.device = "eth1"}}};
}

TEST(PollerOptionsTest, what_only_the_whole_shows) {
  EXPECT_TRUE(check(good()));
  Options none = good();
  none.queues.clear();
  EXPECT_FALSE(check(none));
  Options twice = good();
  twice.queues[1] = {.device = "eth0", .period = 99us};
  ASSERT_FALSE(check(twice));
  EXPECT_EQ(check(twice).error().message, "queue 'eth0:0' is named twice");
  Options many = good();
  for (uint32_t i = 2; i < 17; ++i) many.queues.push_back({.device = "eth0", .queue = i});
  ASSERT_FALSE(check(many));
  EXPECT_EQ(check(many).error().message, "17 queues are too many for one poller");
  many.queues.pop_back();
  EXPECT_TRUE(check(many));
  Options sleepless = good();
  sleepless.look = 0us;
  EXPECT_FALSE(check(sleepless));
  for (const char* name : {"", "../x", ".", "a/b"}) {
    Options named = good();
    named.name = name;
    EXPECT_FALSE(check(named)) << name;
  }
}

TEST(PollerOptionsTest, a_round_is_all_turns) {
  EXPECT_EQ(round_of({}), 0us);
  EXPECT_EQ(round_of({{.device = "a", .period = 20us}, {.device = "b", .period = 30us}}), 50us);
}

}  // namespace
}  // namespace xdpfwd::poller

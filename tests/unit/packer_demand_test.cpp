// SPDX-License-Identifier: BSD-2-Clause
// What the packer expects of a NAPI, from what it saw of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "packer/demand.h"

namespace xdpfwd::packer {
namespace {

float expected(const Demand& demand) {
  return demand.profile()[kExpected];
}
float peak(const Demand& demand) {
  return *std::ranges::max_element(demand.profile());
}

// A NAPI on its own, which counts its intervals.
struct Seen : Demand {
  void observe(const NapiLoad& load, bool starved) { Demand::observe(load, starved, ++now); }
  uint64_t now = 0;
};

void observe(Seen& demand, float busy, size_t times = 1) {
  for (size_t i = 0; i < times; ++i) demand.observe({.busy = busy}, false);
}

TEST(PackerDemand, a_steady_load_is_expected_to_stay) {
  Seen demand;
  observe(demand, 0.3F);
  EXPECT_FLOAT_EQ(expected(demand), 0.3F);
  EXPECT_FLOAT_EQ(peak(demand), 0.3F);
  observe(demand, 0.3F, 100);
  EXPECT_FLOAT_EQ(expected(demand), 0.3F);
  EXPECT_FLOAT_EQ(peak(demand), 0.3F);
}

TEST(PackerDemand, a_rise_is_expected_to_go_on_and_at_most_to_fill_a_cpu) {
  Seen demand;
  observe(demand, 0.2F, 20);
  observe(demand, 0.4F);
  EXPECT_FLOAT_EQ(expected(demand), 0.6F);
  observe(demand, 0.8F);
  EXPECT_FLOAT_EQ(expected(demand), 1.0F);
  observe(demand, 0.8F);
  EXPECT_FLOAT_EQ(expected(demand), 0.8F);
}

TEST(PackerDemand, a_fall_is_believed_when_the_window_has_passed) {
  Seen demand;
  observe(demand, 0.5F, 20);
  observe(demand, 0.1F, kWindow - 1);
  EXPECT_FLOAT_EQ(expected(demand), 0.1F);
  EXPECT_FLOAT_EQ(peak(demand), 0.5F);
  observe(demand, 0.1F);
  EXPECT_FLOAT_EQ(peak(demand), 0.1F);
}

TEST(PackerDemand, who_waited_on_a_full_cpu_wants_more_than_it_got) {
  Seen demand;
  observe(demand, 0.25F, 20);
  const NapiLoad hungry{.busy = 0.25F, .waiting = 0.6F};
  demand.observe(hungry, true);
  EXPECT_FLOAT_EQ(expected(demand), 0.85F);
  // Waiting alone says nothing: on a CPU that has time left it is taking turns.
  demand.observe(hungry, false);
  EXPECT_FLOAT_EQ(expected(demand), 0.25F);
}

TEST(PackerDemand, who_rises_again_and_again_is_remembered_for_longer_each_time) {
  Seen demand;
  observe(demand, 0.1F, 20);
  std::vector<size_t> remembered;
  for (int rise = 0; rise < 4; ++rise) {
    observe(demand, 0.6F, 10);
    size_t intervals = 0;
    for (; peak(demand) > 0.5F && intervals < 10'000; ++intervals) observe(demand, 0.1F);
    remembered.push_back(intervals);
  }
  for (size_t i = 1; i < remembered.size(); ++i) EXPECT_GT(remembered[i], remembered[i - 1]);
  EXPECT_LT(remembered.back(), 10'000U);
  // And is forgiven in the end: the next rise is a first one.
  observe(demand, 0.1F, 20'000);
  observe(demand, 0.6F, 10);
  observe(demand, 0.1F, remembered.front() + 1);
  EXPECT_FLOAT_EQ(peak(demand), 0.1F);
}

TEST(PackerDemand, what_is_no_share_is_taken_for_one) {
  Seen demand;
  observe(demand, std::numeric_limits<float>::quiet_NaN());
  EXPECT_FLOAT_EQ(peak(demand), 0);
  observe(demand, -1);
  EXPECT_FLOAT_EQ(peak(demand), 0);
  observe(demand, 7, 20);
  EXPECT_FLOAT_EQ(peak(demand), 1);
}

}  // namespace
}  // namespace xdpfwd::packer

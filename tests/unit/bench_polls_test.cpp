// SPDX-License-Identifier: BSD-2-Clause
// What a guest says of NAPI's polls becomes polls a second.
#include <gtest/gtest.h>

#include "bench/poll_histogram.h"

namespace xdpfwd::bench {
namespace {

InstructionMarks marks() {
  return {{"tx-usecs/150/1/begin", {{.softirq = 1000}}}, {"tx-usecs/150/1/end", {{.softirq = 301'000}}}};
}

TEST(BenchPolls, ByWorkASecond) {
  const auto samples = poll_samples(
      "guest up\nmeasured 150 1 1000 2000 500000\npolls 150 1 0 40\npolls 150 1 1 900\npolls 150 1 4 10\n"
      "polls 150 1 7 5\ndone\n",
      marks());
  ASSERT_TRUE(samples) << samples.error().text();
  ASSERT_EQ(samples->size(), 1U);
  const Metrics& metrics = samples->front().metrics;
  EXPECT_EQ(samples->front().contender, "150");
  EXPECT_EQ(metrics.at("polls_of_0_per_second"), 80);
  EXPECT_EQ(metrics.at("polls_of_1_per_second"), 1800);
  EXPECT_EQ(metrics.at("polls_of_2_per_second"), 0);
  EXPECT_EQ(metrics.at("polls_of_more_per_second"), 30);
  EXPECT_EQ(metrics.at("sent_pps"), 4000);
  EXPECT_EQ(metrics.at("softirq_instructions_per_packet"), 100);
}

TEST(BenchPolls, SayWhatIsMissing) {
  EXPECT_FALSE(poll_samples("measured 20 1 1000 2000 500000\n", marks()));  // no counts
  EXPECT_FALSE(poll_samples("measured 150 1 1000 2000 0\n", marks()));      // no time
  EXPECT_FALSE(poll_samples("polls 150 1 0 40\n", marks()));                // of no measurement
  EXPECT_FALSE(poll_samples("measured 150 1 1000 2000 9\npolls 150 2 0 1\n", marks()));
}

}  // namespace
}  // namespace xdpfwd::bench

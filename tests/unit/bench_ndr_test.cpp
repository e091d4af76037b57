// SPDX-License-Identifier: BSD-2-Clause
// What a guest says of its searches, and what the search is told.
#include <gtest/gtest.h>

#include "bench/ndr_samples.h"
#include "bench/search_command.h"

namespace xdpfwd::bench {
namespace {

TEST(BenchNdr, OfASearchAndItsTrials) {
  const auto samples = ndr_samples(
      "trial xdpfwd 1 64000 10240 4000 10240 900 90000\ntrial xdpfwd 1 20000 10000 10000 10000 0 10000\n"
      "trial xdpfwd 1 10000 10000 10000 10000 0 8000\nmeasured xdpfwd 1 20000 1 21000 0 25000 9\n");
  ASSERT_TRUE(samples) << samples.error().text();
  ASSERT_EQ(samples->size(), 1U);
  const Metrics& metrics = samples->front().metrics;
  EXPECT_EQ(metrics.at("ndr_pps"), 20'000);
  EXPECT_EQ(metrics.at("ndr_found"), 1);
  EXPECT_EQ(metrics.at("pdr_pps"), 21'000);
  EXPECT_EQ(metrics.at("pdr_found"), 0);
  EXPECT_EQ(metrics.at("mrr_pps"), 25'000);
  EXPECT_EQ(metrics.at("trials"), 9);
  // 200 of 10 000 could come between the last one sent and the look; where some were lost nothing hides.
  EXPECT_EQ(metrics.at("unseen_percent"), 2);
}

TEST(BenchNdr, SayWhatIsMissing) {
  EXPECT_FALSE(ndr_samples("measured xdpfwd 1 20000 1 21000 0 25000 9\n"));    // trials
  EXPECT_FALSE(ndr_samples("trial tcx 1 20000 10000 10001 10000 0 10000\n"));  // more than were due
  EXPECT_FALSE(ndr_samples("trial tcx 1 0 10000 10000 10000 0 10000\n"));
}

TEST(BenchSearch, IsToldWhatWasLost) {
  EXPECT_EQ(loss_told("5 1000"), 0.005);
  EXPECT_EQ(loss_told("0 1"), 0);
  for (const char* line : {"", "1", "1 0", "2 1", "-1 5", "a b", "1 2 3"})
    EXPECT_FALSE(loss_told(line)) << line;
}

}  // namespace
}  // namespace xdpfwd::bench

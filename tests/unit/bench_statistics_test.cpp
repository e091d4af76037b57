// SPDX-License-Identifier: BSD-2-Clause
// The benchmarks' arithmetic on given samples: rank sum test, resampled ratios, false discovery rates.
#include <gtest/gtest.h>

#include <random>

#include "bench/significance.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {
namespace {

// Exact values by counting: for 3 + 3 samples there are 20 orders, for 4 + 4 there are 70, for 5 + 5 there
// are 252.
TEST(BenchRankSum, ExactForSmallSamples) {
  EXPECT_NEAR(mann_whitney_p({1, 2, 3}, {4, 5, 6}), 2.0 / 20, 1e-12);
  EXPECT_NEAR(mann_whitney_p({4, 5, 6}, {1, 2, 3}), 2.0 / 20, 1e-12);
  EXPECT_NEAR(mann_whitney_p({1, 2, 4}, {3, 5, 6}), 4.0 / 20, 1e-12);
  EXPECT_NEAR(mann_whitney_p({1, 2, 3, 4}, {5, 6, 7, 8}), 2.0 / 70, 1e-12);
  EXPECT_NEAR(mann_whitney_p({1, 2, 3, 4, 6}, {5, 7, 8, 9, 10}), 4.0 / 252, 1e-12);
  EXPECT_NEAR(mann_whitney_p({1, 2}, {3, 4, 5}), 2.0 / 10, 1e-12);
}

TEST(BenchRankSum, SaysNothingWhereThereIsNothing) {
  EXPECT_EQ(mann_whitney_p({}, {1}), 1);
  EXPECT_EQ(mann_whitney_p({5, 5, 5}, {5, 5, 5}), 1);
  EXPECT_GT(mann_whitney_p({1, 4, 5, 8}, {2, 3, 6, 7}), 0.9);
}

// 30 + 30 samples far apart: z = (450 - 0.5) / sqrt(30 * 30 * 61 / 12) = 6.645, p = 3.02e-11.
TEST(BenchRankSum, NormalForLargeSamples) {
  std::vector<double> low;
  std::vector<double> high;
  for (int i = 0; i < 30; ++i) {
    low.push_back(i);
    high.push_back(100 + i);
  }
  EXPECT_NEAR(mann_whitney_p(low, high), 3.02e-11, 1e-13);
}

TEST(BenchRankSum, FalseAlarmsAreAsRareAsItSays) {
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal(100, 10);
  int alarms = 0;
  constexpr int kRuns = 2000;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> a;
    std::vector<double> b;
    for (int i = 0; i < 10; ++i) {
      a.push_back(normal(random));
      b.push_back(normal(random));
    }
    alarms += mann_whitney_p(a, b) < 0.05 ? 1 : 0;
  }
  EXPECT_LT(alarms, kRuns * 0.065);
  EXPECT_GT(alarms, kRuns * 0.03);
}

TEST(BenchRatio, FindsTheRatioAndItsInterval) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal(0, 1);
  int inside = 0;
  constexpr int kRuns = 60;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> a;
    std::vector<double> b;
    for (int i = 0; i < 20; ++i) {
      a.push_back(100 + 3 * normal(random));
      b.push_back(150 + 3 * normal(random));
    }
    const RatioInterval interval = bootstrap_ratio(a, b);
    EXPECT_NEAR(interval.ratio, 1.5, 0.05);
    EXPECT_LE(interval.low, interval.ratio);
    EXPECT_GE(interval.high, interval.ratio);
    inside += interval.low <= 1.5 && 1.5 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(inside, kRuns * 0.8);
}

TEST(BenchStatistics, OneSampleHasNoInterval) {
  EXPECT_EQ(text_of(bootstrap_ratio({2, 2, 2}, {3})), "1.500 (once)");
  EXPECT_EQ(text_of(bootstrap_ratio({2, 2}, {3, 3})), "1.500 (1.500 to 1.500)");
}

TEST(BenchDiscoveries, FollowBenjaminiAndHochberg) {
  const std::vector<double> rates = false_discovery_rates({0.01, 0.04, 0.03, 0.5});
  EXPECT_NEAR(rates[0], 0.04, 1e-12);
  EXPECT_NEAR(rates[1], 0.04 * 4 / 3, 1e-12);
  EXPECT_NEAR(rates[2], 0.04 * 4 / 3, 1e-12);  // not 0.06: a larger p has a smaller rate
  EXPECT_NEAR(rates[3], 0.5, 1e-12);
}

TEST(BenchSpread, QuartilesAreInterpolated) {
  const Spread spread = spread_of({4, 1, 3, 2});
  EXPECT_NEAR(spread.median, 2.5, 1e-12);
  EXPECT_NEAR(spread.low, 1.75, 1e-12);
  EXPECT_NEAR(spread.high, 3.25, 1e-12);
}

}  // namespace
}  // namespace xdpfwd::bench

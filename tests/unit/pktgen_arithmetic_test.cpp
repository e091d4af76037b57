// SPDX-License-Identifier: BSD-2-Clause
// Pace and histogram: the numbers they promise.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "pktgen/histogram.h"
#include "pktgen/pace.h"
#include "pktgen/sequence_window.h"

namespace xdpfwd::pktgen {
namespace {

TEST(PktgenPace, MeetsEveryRateToOneInAMillion) {
  for (const double pps : {1.0, 3.0, 1e3, 12'345.0, 1e5, 1e6, 3e6, 14'880'952.0}) {
    const double interval_ns = static_cast<double>(Pace::of_pps(pps).interval_q16()) / 65536;
    EXPECT_NEAR(interval_ns, 1e9 / pps, 1e9 / pps / 1e6 * 1.2) << pps;
  }
  EXPECT_TRUE(Pace::of_pps(0).unlimited());
}

TEST(PktgenArrivals, EvenOnesAreDueAtMultiplesOfTheInterval) {
  Arrivals arrivals(Pace::of_pps(1000), 1, false);
  for (uint64_t i = 0; i < 100'000; ++i) {
    ASSERT_NEAR(static_cast<double>(arrivals.due_ns()), static_cast<double>(i) * 1e6, 2);
    arrivals.next();
  }
}

TEST(PktgenArrivals, BurstsComeTogetherAndKeepTheRate) {
  Arrivals arrivals(Pace::of_pps(1000), 32, false);
  for (uint64_t burst = 0; burst < 100; ++burst) {
    for (int i = 0; i < 32; ++i) {
      ASSERT_NEAR(static_cast<double>(arrivals.due_ns()), static_cast<double>(burst) * 32e6, 100);
      arrivals.next();
    }
  }
}

// Gaps of a Poisson process: their mean is the interval, their deviation equals the mean, and the share of
// gaps below the mean is 1 - 1/e.
TEST(PktgenArrivals, PoissonGapsAreExponential) {
  constexpr int kGaps = 400'000;
  Arrivals arrivals(Pace::of_pps(10'000), 1, true);
  double sum = 0;
  double squares = 0;
  int below = 0;
  uint64_t before = 0;
  for (int i = 0; i < kGaps; ++i) {
    arrivals.next();
    const auto gap = static_cast<double>(arrivals.due_ns() - before);
    before = arrivals.due_ns();
    sum += gap;
    squares += gap * gap;
    below += gap < 100'000 ? 1 : 0;
  }
  const double mean = sum / kGaps;
  EXPECT_NEAR(mean, 100'000, 1'000);
  EXPECT_NEAR(std::sqrt(squares / kGaps - mean * mean), 100'000, 2'000);
  EXPECT_NEAR(static_cast<double>(below) / kGaps, 1 - std::exp(-1.0), 0.005);
}

TEST(PktgenHistogram, EveryValueIsWithinOnePercentOfItsBucket) {
  std::mt19937_64 random(1);
  for (unsigned bits = 1; bits <= 64; ++bits) {
    for (int i = 0; i < 1000; ++i) {
      const uint64_t value = random() >> (64 - bits);
      const auto middle = static_cast<double>(Histogram::middle_of(Histogram::index_of(value)));
      EXPECT_NEAR(middle, static_cast<double>(value), static_cast<double>(value) * 0.01 + 1e-9) << value;
    }
  }
  EXPECT_EQ(Histogram::index_of(UINT64_MAX) + 1, (64 - 6) * 64 + 64U)
      << "the last bucket is the last one there is";
}

TEST(PktgenHistogram, PercentilesOfAKnownDistribution) {
  std::mt19937_64 random(2);
  std::lognormal_distribution<double> distribution(10, 1.5);
  std::vector<uint64_t> values;
  Histogram histogram;
  Histogram other;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<uint64_t>(distribution(random)));
    (i % 2 == 0 ? histogram : other).record(values.back());
  }
  histogram.merge(other);
  std::ranges::sort(values);
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.min(), values.front());
  for (const double fraction : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto exact = static_cast<double>(values[static_cast<size_t>(fraction * 100'000) - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.percentile(fraction)), exact, exact * 0.02) << fraction;
  }
  EXPECT_EQ(Histogram().percentile(0.5), 0U);
}

TEST(PktgenSequence, AgreesWithASetOverRandomArrivals) {
  std::mt19937_64 random(3);
  SequenceWindow window;
  std::vector<bool> seen(200'000);
  uint64_t highest = 0;
  bool first = true;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t base = first ? 0 : highest;
    const uint64_t back = std::min<uint64_t>(base, random() % 100);
    const uint64_t sequence =
        random() % 3 == 0 ? base - back : std::min<uint64_t>(base + 1 + random() % 3, 199'999);
    const SequenceWindow::Kind kind = window.see(sequence);
    if (seen[sequence])
      EXPECT_EQ(kind, SequenceWindow::Kind::kDuplicate) << sequence;
    else
      EXPECT_EQ(kind, first || sequence > highest ? SequenceWindow::Kind::kNew : SequenceWindow::Kind::kLate);
    seen[sequence] = true;
    highest = first ? sequence : std::max(highest, sequence);
    first = false;
  }
  EXPECT_EQ(window.next(), highest + 1);
}

}  // namespace
}  // namespace xdpfwd::pktgen

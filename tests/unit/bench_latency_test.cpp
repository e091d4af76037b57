// SPDX-License-Identifier: BSD-2-Clause
// Of shares of a PDR: which percentiles there are frames for, that each queue got some, and that a PDR is
// searched once.
#include <gtest/gtest.h>

#include "bench/latency_figures.h"
#include "bench/pdr.h"
#include "bench/queue_packets.h"
#include "support/scratch_directory.h"

namespace xdpfwd::bench {
namespace {

pktgen::Histogram frames(unsigned count) {
  pktgen::Histogram histogram;
  for (unsigned i = 1; i <= count; ++i) histogram.record(i * 1000);
  return histogram;
}

TEST(BenchLatency, APercentileNeedsTenFramesThatAreLater) {
  const Metrics few = latency_figures(frames(99));
  EXPECT_EQ(few.size(), 2U);
  EXPECT_NEAR(few.at("p50_us"), 50, 1);
  EXPECT_EQ(few.at("max_us"), 99);
  EXPECT_TRUE(latency_figures(frames(1000)).contains("p99_us"));
  EXPECT_FALSE(latency_figures(frames(999)).contains("p99_us"));
  EXPECT_FALSE(latency_figures(frames(1000)).contains("p999_us"));
  EXPECT_NEAR(latency_figures(frames(10'000)).at("p999_us"), 9'990, 100);
  EXPECT_TRUE(latency_figures({}).empty()) << "of no frames";
}

TEST(BenchQueues, GetSomethingEach) {
  const auto packets = packets_by_queue({5, 0, 7}, {15, 1, 8});
  ASSERT_TRUE(packets);
  EXPECT_EQ(*packets, (Metrics{{"queue0_packets", 10}, {"queue1_packets", 1}, {"queue2_packets", 1}}));
  const auto starved = packets_by_queue({5, 3, 7}, {15, 3, 8});
  ASSERT_FALSE(starved);
  EXPECT_NE(starved.error().text().find("queue 1 of 3 got no frame"), std::string::npos);
  EXPECT_FALSE(packets_by_queue({5, 3}, {5, 3}));
  EXPECT_FALSE(packets_by_queue({5}, {6, 6}));
  EXPECT_FALSE(packets_by_queue({}, {}));
}

class BenchPdr : public testing::Test {
 protected:
  Result<double> at(const Point& point, Metrics& metrics, const std::string& contender = "x") {
    return pdr_at(
        run_, contender, point,
        [&]() -> Result<Pdr> {
          ++searches_;
          return Pdr{.pps = 100'000.0 * searches_, .found = true};
        },
        metrics);
  }

  ScratchDirectory scratch_;
  ResultFile file_ =
      ResultFile::open(scratch_ / "run", "some", {{"format", kResultFormat}, {"scenario", "some"}}).value();
  RunOptions options_;
  Progress progress_;
  bench::Run run_{
      .options = options_, .file = file_, .progress = progress_, .interrupted = [] { return false; }};
  unsigned searches_ = 0;
};

TEST_F(BenchPdr, IsSearchedOnceAndToldByOneSample) {
  Metrics first;
  EXPECT_EQ(at({{kShare, 10}, {"queues", 4}}, first), 100'000);
  EXPECT_EQ(first, (Metrics{{"pdr_pps", 100'000}, {"pdr_found", 1}}));
  ASSERT_TRUE(file_.add({"x", {{kShare, 10}, {"queues", 4}}, 1, first}));
  Metrics second;
  EXPECT_EQ(at({{kShare, 90}, {"queues", 4}}, second), 100'000);
  EXPECT_TRUE(second.empty());
  // Of other queues, and others, it is another.
  EXPECT_EQ(at({{kShare, 90}, {"queues", 1}}, second), 200'000);
  EXPECT_EQ(at({{kShare, 10}, {"queues", 4}}, second, "y"), 300'000);
}

TEST_F(BenchPdr, IsThatOfTheRunThatGoesOn) {
  ASSERT_TRUE(file_.add({"x", {{kShare, 50}}, 1, {{"pdr_pps", 7'000}}}));
  file_ = {};  // its lock
  file_ =
      ResultFile::open(scratch_ / "run", "some", {{"format", kResultFormat}, {"scenario", "some"}}).value();
  Metrics metrics;
  EXPECT_EQ(at({{kShare, 10}}, metrics), 7'000);
  EXPECT_EQ(searches_, 0U);
}

TEST_F(BenchPdr, IsOnlyABoundWhereTheSearchCameToNoEnd) {
  const auto add = [&](const std::string& contender, double pps, double found) {
    ASSERT_TRUE(
        file_.add({contender, {{kShare, 10}, {"queues", 4}}, 1, {{"pdr_pps", pps}, {"pdr_found", found}}}));
  };
  add("good", 9'000, 1);
  add("slow", 0, 0);
  add("fast", 9'000, 0);
  EXPECT_EQ(
      pdr_caveats(file_.results()),
      (std::vector<std::string>{
          "the PDR of fast, queues 4 is a lower bound: the search came to no end",
          "slow, queues 4 loses more than 0.5 % of 2000 packets a second: there is no share of a PDR"}));
}

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// What a guest says of a bond whose cables are cut.
#include <gtest/gtest.h>

#include "bench/failover_samples.h"

namespace xdpfwd::bench {
namespace {

TEST(BenchFailover, FramesLostAreTimeAtTheirRate) {
  const auto samples = failover_samples(
      "measured bridge nothing 1 2000 2000 500\nmeasured bridge cable-cut 1 2100 2090 500\nmeasured br");
  ASSERT_TRUE(samples) << samples.error().text();
  ASSERT_EQ(samples->size(), 2U);
  EXPECT_EQ(samples->at(0).metrics.at("blocked_ms"), 0);
  const Sample& cut = samples->at(1);
  EXPECT_EQ(cut.contender, failover_name("bridge", "cable-cut"));
  EXPECT_EQ(cut.repetition, 1U);
  EXPECT_EQ(cut.metrics, (Metrics{{"blocked_ms", 20}, {"lost", 10}, {"sent", 2100}, {"surplus", 0}}));
}

TEST(BenchFailover, WhatCameTwiceIsTold) {
  const auto samples = failover_samples("measured bridge cable-joined 0 2000 2003 500\n");
  ASSERT_TRUE(samples) << samples.error().text();
  EXPECT_EQ(samples->at(0).metrics,
            (Metrics{{"blocked_ms", 0}, {"lost", 0}, {"sent", 2000}, {"surplus", 3}}));
}

TEST(BenchFailover, SayWhatIsMissing) {
  EXPECT_FALSE(failover_samples("measured bridge cable-cut 1 2100 2090\n"));    // a word
  EXPECT_FALSE(failover_samples("measured bridge cable-cut 1 0 0 500\n"));      // frames
  EXPECT_FALSE(failover_samples("measured bridge cable-cut 1 2100 2090 0\n"));  // the rate
}

}  // namespace
}  // namespace xdpfwd::bench

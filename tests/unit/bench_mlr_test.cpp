// SPDX-License-Identifier: BSD-2-Clause
// MLRsearch on devices whose capacity is known, because they are simulated.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "bench/mlr_search.h"

namespace xdpfwd::bench {
namespace {

const std::vector<MlrGoal> kGoals = {{.name = "ndr", .loss_ratio = 0}, {.name = "pdr", .loss_ratio = 0.005}};

using Device = std::function<double(double load)>;  // the loss ratio of a trial

// Loses all that is above its capacity.
Device ideal(double capacity) {
  return [capacity](double load) { return load <= capacity ? 0.0 : 1 - capacity / load; };
}

struct Found {
  std::vector<MlrAnswer> answers;
  unsigned trials = 0;
};

Found run_search(const std::vector<MlrGoal>& goals, const MlrLimits& limits, const Device& device) {
  MlrSearch search(goals, limits);
  Found found;
  while (const auto trial = search.next()) {
    EXPECT_GE(trial->load, limits.min_load);
    EXPECT_LE(trial->load, limits.max_load);
    search.record(*trial, device(trial->load));
    ++found.trials;
  }
  found.answers = search.answers();
  return found;
}

TEST(BenchMlr, FindsTheCapacityOfAnIdealDevice) {
  for (const double capacity : {1'500.0, 77'777.0, 1'234'567.0, 9'000'000.0}) {
    const Found found = run_search(kGoals, {}, ideal(capacity));
    ASSERT_EQ(found.answers.size(), 2U);
    EXPECT_TRUE(found.answers[0].found);
    EXPECT_LE(found.answers[0].load, capacity);
    EXPECT_GE(found.answers[0].load, capacity * 0.994);
    // Half a percent may be lost: the load is that much higher, the throughput is the same.
    EXPECT_LE(found.answers[1].load, capacity * 1.0051);
    EXPECT_GE(found.answers[1].load, capacity * 0.999);
    EXPECT_NEAR(found.answers[1].conditional_throughput, capacity, capacity * 0.006);
    EXPECT_LT(found.trials, 500U);
  }
}

// One trial in ten loses a little, at any load, because the machine has other work: fewer than half may.
TEST(BenchMlr, IsNotMisledBySomeBadTrials) {
  std::mt19937_64 random(1);
  const Device honest = ideal(400'000);
  const Found found =
      run_search(kGoals, {}, [&](double load) { return random() % 10 == 0 ? 0.02 : honest(load); });
  EXPECT_TRUE(found.answers[0].found);
  EXPECT_NEAR(found.answers[0].load, 400'000, 4'000);
}

// A device that loses in every other trial and a bit more, above a load, has that load as its limit.
TEST(BenchMlr, DecidesByTheShareOfTime) {
  std::mt19937_64 random(2);
  const Found found = run_search({kGoals[0]}, {.max_load = 1'000'000}, [&](double load) {
    return load > 300'000 && random() % 10 < 7 ? 0.1 : load > 600'000 ? 0.5 : 0.0;
  });
  EXPECT_NEAR(found.answers[0].load, 300'000, 5'000);
}

TEST(BenchMlr, SaysWhenTheGeneratorIsTheLimit) {
  const Found found = run_search(kGoals, {.max_load = 1'000'000}, ideal(5'000'000));
  EXPECT_EQ(found.answers[0].load, 1'000'000);
  EXPECT_FALSE(found.answers[0].found);
}

TEST(BenchMlr, SaysWhenEvenTheLeastLoadIsTooMuch) {
  const Found found = run_search(kGoals, {}, [](double) { return 0.5; });
  EXPECT_EQ(found.answers[0].load, 0);
  EXPECT_FALSE(found.answers[0].found);
}

TEST(BenchMlr, EndsWhenTrialsRunOut) {
  std::mt19937_64 random(3);
  const Found found =
      run_search(kGoals, {.most_trials = 20}, [&](double) { return random() % 2 == 0 ? 0.0 : 1.0; });
  EXPECT_EQ(found.trials, 20U);
}

TEST(BenchMlr, ALoadIsDecidedWhenNoFurtherTrialCanChangeIt) {
  MlrSearch search(kGoals, {});
  search.record(*search.next(), 0.5);
  const MlrGoal& goal = kGoals[0];
  for (int second = 1; second <= 10; ++second) {
    search.record({100'000, 1}, 0);
    EXPECT_EQ(search.judge(goal, 100'000), MlrSearch::Verdict::kOpen) << second;
  }
  search.record({100'000, 1}, 0);  // 11 of 21 s: the other 10 may all be bad
  EXPECT_EQ(search.judge(goal, 100'000), MlrSearch::Verdict::kMet);
  for (int second = 1; second <= 11; ++second) search.record({200'000, 1}, 0.01);
  EXPECT_EQ(search.judge(goal, 200'000), MlrSearch::Verdict::kMissed);
}

}  // namespace
}  // namespace xdpfwd::bench

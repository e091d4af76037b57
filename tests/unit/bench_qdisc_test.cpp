// SPDX-License-Identifier: BSD-2-Clause
// What a guest says of CPUs that send through a queueing discipline becomes instructions a frame.
#include <gtest/gtest.h>

#include "bench/qdisc_samples.h"

namespace xdpfwd::bench {
namespace {

InstructionMarks marks() {
  return {{"fq_codel/1/1/begin", {{.all = 1000}, {.all = 5000}, {}}},
          {"fq_codel/1/1/end", {{.all = 401'000}, {.all = 9000}, {.all = 7}}},
          {"fq_codel/2/1/begin", {{.all = 1000}, {.all = 2000}, {}}},
          {"fq_codel/2/1/end", {{.all = 601'000}, {.all = 402'000}, {.all = 7'000'000}}}};
}

TEST(BenchQdisc, InstructionsOfTheCpusThatSend) {
  const auto samples = qdisc_samples(
      "guest up\nmeasured fq_codel 2 0 9 0 0 9 1 2 9 1 2\nmeasured fq_codel 1 1 200 0 0 200 1000 501000\n"
      "measured fq_codel 2 1 300 75 25 200 0 500000 200 0 250000\ndone\nmeasured fq_co",
      marks());
  ASSERT_TRUE(samples) << samples.error().text();
  ASSERT_EQ(samples->size(), 2U);
  const Sample& one = samples->at(0);
  EXPECT_EQ(one.contender, "fq_codel");
  EXPECT_EQ(one.point, (Point{{"cpus", 1}}));
  EXPECT_EQ(one.repetition, 1U);
  EXPECT_EQ(one.metrics.at("instructions_per_frame"), 2000);  // not of the CPU that rests
  EXPECT_EQ(one.metrics.at("pps"), 400);
  const Sample& two = samples->at(1);
  EXPECT_EQ(two.point, (Point{{"cpus", 2}}));
  EXPECT_EQ(two.metrics.at("instructions_per_frame"), 2500);  // not of the reader
  EXPECT_EQ(two.metrics.at("pps"), 1200);
  EXPECT_EQ(two.metrics.at("refused_percent"), 18.75);
  EXPECT_EQ(two.metrics.at("dropped_percent"), 6.25);
}

TEST(BenchQdisc, SayWhatIsMissing) {
  const auto fails = [](const char* line, const InstructionMarks& counts = marks()) {
    return !qdisc_samples(line, counts);
  };
  EXPECT_TRUE(fails("measured noqueue 1 1 200 0 0 200 0 9\n"));         // no counts
  EXPECT_TRUE(fails("measured fq_codel 1 1 200 0\n"));                  // cut off
  EXPECT_TRUE(fails("measured fq_codel 2 1 400 0 0 200 0 9\n"));        // a CPU is missing
  EXPECT_TRUE(fails("measured fq_codel 1 1 200 0 0 200 9 9\n"));        // no time
  EXPECT_TRUE(fails("measured fq_codel 2 1 200 0 0 200 0 9 0 0 9\n"));  // one sent nothing
  InstructionMarks of_one = marks();
  of_one["fq_codel/2/1/end"].resize(1);
  EXPECT_TRUE(fails("measured fq_codel 2 1 400 0 0 200 0 9 200 0 9\n", of_one));
}

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// What the emulator counted becomes instructions a packet.
#include <gtest/gtest.h>

#include "bench/instruction_marks.h"

namespace xdpfwd::bench {
namespace {

constexpr const char* kMarks =
    R"({"mark": {"edge": "begin", "name": "xdpfwd/10000/1/16/1", "packets": null, "cpu": null, "ns": 1}, "number": 0, "vcpus": [{"user": 5, "process": 1, "irq": 2, "softirq": 1000, "irqs": 3, "softirqs": 10}, {"user": 0, "process": 0, "irq": 0, "softirq": 7, "irqs": 0, "softirqs": 0}]}
{"mark": {"edge": "end", "name": "xdpfwd/10000/1/16/1", "packets": 500, "cpu": 0, "ns": 2}, "number": 1, "vcpus": [{"user": 6, "process": 2, "irq": 3, "softirq": 501000, "irqs": 4, "softirqs": 260}, {"user": 0, "process": 0, "irq": 0, "softirq": 1507, "irqs": 0, "softirqs": 9}]}
)";

TEST(BenchInstructions, BecomeSamplesOfTheReceivingCpu) {
  const auto marks = parse_marks(kMarks);
  ASSERT_TRUE(marks) << marks.error().text();
  const std::string log =
      "lab: guest up\npolled xdpfwd 10000 1 16 1587\nmeasured xdpfwd 10000 1 16 1 500 250 50000\ndone\n";
  const auto samples = samples_of_log(log, *marks, 0, 1);
  ASSERT_TRUE(samples) << samples.error().text();
  ASSERT_EQ(samples->size(), 1U);
  const Sample& sample = samples->front();
  EXPECT_EQ(sample.contender, "xdpfwd");
  EXPECT_EQ(sample.point, (Point{{"cpus", 1}, {"poll", 16}, {"pps", 10'000}, {"vms", 1}}));
  EXPECT_EQ(sample.repetition, 1U);
  // A frame that was lost is paid for by those that arrived.
  EXPECT_EQ(sample.metrics.at("softirq_instructions_per_packet"), 2000);
  EXPECT_EQ(sample.metrics.at("softirqs_per_packet"), 1);
  EXPECT_EQ(sample.metrics.at("frames_per_poll"), 15.87);
  EXPECT_EQ(sample.metrics.at("lost"), 250);
  EXPECT_EQ(sample.metrics.at("sent_pps"), 10'000);
  EXPECT_EQ(sample.metrics.at("delivered_pps"), 5'000);
  EXPECT_EQ(samples_of_log(log, *marks, 1, 3)->front().metrics.at("softirq_instructions_per_packet"), 6);
}

TEST(BenchInstructions, OfWhatNobodyReceivesAreToldForEachSent) {
  const auto marks = parse_marks(kMarks);
  ASSERT_TRUE(marks);
  const auto samples = samples_of_log("measured xdpfwd 10000 1 16 1 500 0 50000\n", *marks, 0, 1);
  ASSERT_TRUE(samples);
  EXPECT_EQ(samples->front().metrics.at("softirq_instructions_per_packet"), 1000);
  EXPECT_FALSE(samples->front().metrics.contains("delivered_pps"));
}

TEST(BenchInstructions, WhatAnInterruptionCutOffIsNothing) {
  const auto marks = parse_marks(std::string(kMarks) + R"({"mark": {"edge": "beg)");
  ASSERT_TRUE(marks) << marks.error().text();
  const auto samples =
      samples_of_log("measured xdpfwd 10000 1 16 1 500 500 50000\nmeasured xdpfwd 100", *marks, 0, 1);
  ASSERT_TRUE(samples) << samples.error().text();
  EXPECT_EQ(samples->size(), 1U);
}

TEST(BenchInstructions, SayWhatIsMissing) {
  const auto marks = parse_marks(kMarks);
  ASSERT_TRUE(marks);
  const auto missing = samples_of_log("measured tcx 10000 1 16 1 500 500 50000\n", *marks, 0, 1);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text().find("tcx/10000/1/16/1"), std::string::npos);
  EXPECT_FALSE(samples_of_log("measured xdpfwd 10000\n", *marks, 0, 1));
  EXPECT_FALSE(samples_of_log("measured xdpfwd 10000 1 16 1 500 500 50000\n", *marks, 2, 1));  // no such CPU
  EXPECT_FALSE(parse_marks("{}\n"));
}

}  // namespace
}  // namespace xdpfwd::bench

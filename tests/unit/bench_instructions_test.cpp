// SPDX-License-Identifier: BSD-2-Clause
// What the emulator counted becomes instructions a packet.
#include <fmt/format.h>
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
      "lab: guest up\npolled xdpfwd 10000 1 16 1587\nmeasured xdpfwd 10000 1 16 1 500 250 50000 "
      "200\ndone\n";
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
  // Those that were read after the sender was done are not of its time.
  EXPECT_EQ(sample.metrics.at("delivered_pps"), 4'000);
  EXPECT_EQ(samples_of_log(log, *marks, 1, 3)->front().metrics.at("softirq_instructions_per_packet"), 6);
  EXPECT_EQ(marks->at("xdpfwd/10000/1/16/1/begin").front().all, 1008U);
}

std::string marks_of(std::string contender) {
  std::string marks = kMarks;
  for (size_t at = 0; (at = marks.find("xdpfwd", at)) != std::string::npos;) {
    marks.replace(at, 6, contender);
    at += contender.size();
  }
  return marks;
}

TEST(BenchInstructions, OfWhatNobodyReceivesAreToldForEachSent) {
  for (const char* contender : {"nobody", "xdp-drop"})
    for (const char* strays : {"0", "1"}) {
      const auto marks = parse_marks(marks_of(contender));
      ASSERT_TRUE(marks);
      const auto samples = samples_of_log(
          std::string("measured ") + contender + " 10000 1 16 1 500 " + strays + " 50000 0\n", *marks, 0, 1);
      ASSERT_TRUE(samples);
      EXPECT_EQ(samples->front().metrics.at("softirq_instructions_per_packet"), 1000) << contender << strays;
    }
}

// It would be a very cheap one.
TEST(BenchInstructions, ThatDeliveredNothingAreNoSample) {
  const auto marks = parse_marks(kMarks);
  ASSERT_TRUE(marks);
  const auto samples = samples_of_log("measured xdpfwd 10000 1 16 1 500 0 50000 0\n", *marks, 0, 1);
  ASSERT_FALSE(samples);
  EXPECT_NE(samples.error().text().find("nothing arrived in xdpfwd/10000/1/16/1"), std::string::npos);
}

// In every repetition, it would seem to be measured as often.
TEST(BenchInstructions, FramesAPollAreOfOneLook) {
  std::string text = marks_of("xdpfwd");
  std::string log = "polled xdpfwd 10000 1 16 1600\n";
  for (unsigned i = 1; i <= 10; ++i) {
    std::string more = kMarks;
    for (size_t at = 0; (at = more.find("16/1\"", at)) != std::string::npos; ++at)
      more.replace(at, 5, fmt::format("16/{}\"", i));
    text += more;
    log += fmt::format("measured xdpfwd 10000 1 16 {} 500 500 50000 490\n", i);
  }
  const auto marks = parse_marks(text);
  ASSERT_TRUE(marks);
  const auto samples = samples_of_log(log, *marks, 0, 1);
  ASSERT_TRUE(samples) << samples.error().text();
  ASSERT_EQ(samples->size(), 10U);
  const ResultSet results{.scenario = "cost-per-packet", .header = {}, .samples = *samples};
  ASSERT_EQ(results.values("frames_per_poll").size(), 1U);
  EXPECT_EQ(results.values("frames_per_poll").begin()->second, std::vector<double>{16});
}

TEST(BenchInstructions, WhatAnInterruptionCutOffIsNothing) {
  const auto marks = parse_marks(std::string(kMarks) + R"({"mark": {"edge": "beg)");
  ASSERT_TRUE(marks) << marks.error().text();
  const auto samples =
      samples_of_log("measured xdpfwd 10000 1 16 1 500 500 50000 490\nmeasured xdpfwd 100", *marks, 0, 1);
  ASSERT_TRUE(samples) << samples.error().text();
  EXPECT_EQ(samples->size(), 1U);
}

TEST(BenchInstructions, SayWhatIsMissing) {
  const auto marks = parse_marks(kMarks);
  ASSERT_TRUE(marks);
  const auto missing = samples_of_log("measured tcx 10000 1 16 1 500 500 50000 490\n", *marks, 0, 1);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text().find("tcx/10000/1/16/1"), std::string::npos);
  EXPECT_FALSE(samples_of_log("measured xdpfwd 10000\n", *marks, 0, 1));
  EXPECT_FALSE(samples_of_log("measured xdpfwd 10000 1 16 1 500 500 50000\n", *marks, 0, 1));
  EXPECT_FALSE(
      samples_of_log("measured xdpfwd 10000 1 16 1 500 500 50000 490\n", *marks, 2, 1));  // no such CPU
  EXPECT_FALSE(parse_marks("{}\n"));
}

}  // namespace
}  // namespace xdpfwd::bench

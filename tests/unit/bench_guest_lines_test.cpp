// SPDX-License-Identifier: BSD-2-Clause
// What the lab's guests say: their lines, and what saturation and the self-tests make of them.
#include <gtest/gtest.h>

#include "bench/guest_lines.h"
#include "bench/lab_boot.h"
#include "bench/saturation_samples.h"

namespace xdpfwd::bench {
namespace {

constexpr LineForm kForm = {.mark = "measured", .names = 2, .numbers = 2, .repetition = 0};

bool reads(std::string_view log, const LineForm& form = kForm) {
  return guest_lines(log, form).has_value();
}

TEST(BenchGuestLines, NamesAndNumbers) {
  const auto lines = guest_lines(
      "[    0.1] a kernel's measured 1\nmeasured a b 1 20\r\nmeasuredly\n\n  measured c d 0 "
      "9007199254740992\n",
      kForm);
  ASSERT_TRUE(lines) << lines.error().text();
  ASSERT_EQ(lines->size(), 2U);
  EXPECT_EQ(lines->at(0).names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(lines->at(0).repetition, 1U);
  EXPECT_EQ(lines->at(0).number(1), 20);
  EXPECT_EQ(lines->at(1).names[0], "c");
  EXPECT_EQ(lines->at(1).numbers[1], uint64_t{1} << 53);
}

TEST(BenchGuestLines, WhatAnInterruptionCutOffIsNothing) {
  EXPECT_EQ(guest_lines("measured a b 1 2\nmeasured a b 2 3", kForm)->size(), 1U);
  EXPECT_TRUE(guest_lines("measured a b 1", kForm)->empty());
  EXPECT_TRUE(guest_lines("", kForm)->empty());
}

TEST(BenchGuestLines, RefuseWhatHasNotTheForm) {
  EXPECT_FALSE(reads("measured\n"));
  EXPECT_FALSE(reads("measured a\n"));
  EXPECT_FALSE(reads("measured a b 1\n"));
  EXPECT_FALSE(reads("measured a b 1 2 3\n"));
  EXPECT_FALSE(reads("measured a 1 2\n"));  // a word is missing
  EXPECT_FALSE(reads("measured a b 1 2 # well\n"));
  EXPECT_NE(guest_lines("measured a b 1 x\n", kForm).error().text().find("measured a b 1 x: x"),
            std::string::npos);
}

TEST(BenchGuestLines, RefuseWhatIsNoNumber) {
  for (const char* number : {"-1", "+1", "1.5", "1e3", "0x10", "1,000", "7us", "nan", "inf",
                             "9007199254740993", "18446744073709551616"})
    EXPECT_FALSE(reads(std::string("measured a b 1 ") + number + "\n")) << number;
  EXPECT_TRUE(reads("measured a b 4294967295 0\n"));
  EXPECT_FALSE(reads("measured a b 4294967296 0\n"));  // no repetition
}

TEST(BenchGuestLines, NumbersInGroups) {
  const LineForm form = {.mark = "m", .names = 0, .numbers = 1, .group = 2};
  EXPECT_TRUE(reads("m 1\n", form));
  EXPECT_TRUE(reads("m 1 2 3 4 5\n", form));
  EXPECT_FALSE(reads("m 1 2\n", form));
  EXPECT_FALSE(reads("m\n", form));
}

TEST(BenchSaturation, WhatTheTapHadRoomFor) {
  const auto samples = saturation_samples(
      "measured bridge 0 400000 5 0 0 9 1\nmeasured bridge 2 400000 5000 1000 4000 90000 1000000\nmeasured "
      "br");
  ASSERT_TRUE(samples) << samples.error().text();
  ASSERT_EQ(samples->size(), 1U);  // window 0 warms up
  const Sample& sample = samples->front();
  EXPECT_EQ(sample.contender, "bridge");
  EXPECT_EQ(sample.repetition, 2U);
  EXPECT_EQ(sample.metrics.at("forwarded_pps"), 10'000);
  EXPECT_EQ(sample.metrics.at("refused_percent"), 20);
  EXPECT_EQ(sample.metrics.at("busy_percent"), 99);
  EXPECT_EQ(sample.metrics.at("sent_pps"), 90'000);
}

TEST(BenchSaturation, ACpuRestsForNoLongerThanThereIs) {
  const auto samples = saturation_samples("measured tcx 1 400000 50 0 410000 90 1000\n");
  ASSERT_TRUE(samples);
  EXPECT_EQ(samples->front().metrics.at("busy_percent"), 0);
}

TEST(BenchSaturation, SayWhatIsMissing) {
  EXPECT_FALSE(saturation_samples("measured tcx 1 400000 50 0 0 90\n"));        // a word
  EXPECT_FALSE(saturation_samples("measured tcx 1 0 50 0 0 90 1000\n"));        // the time
  EXPECT_FALSE(saturation_samples("measured tcx 1 400000 50 0 0 90 0\n"));      // the sender's
  EXPECT_FALSE(saturation_samples("measured tcx 1 400000 0 0 0 90 1000\n"));    // frames
  EXPECT_FALSE(saturation_samples("measured tcx 1 400000 50 51 0 90 1000\n"));  // more refused than taken
}

TEST(BenchSelfTest, ComesBeforeWhatIsMeasured) {
  EXPECT_TRUE(self_tested("guest up\n"));  // nothing is measured yet
  EXPECT_TRUE(self_tested("x\nself-test cable 10000 2000 2000\nself-test tap0 0 9 9\nmeasured a 1\n"));
  EXPECT_FALSE(self_tested("x\nmeasured a 1\n"));
  EXPECT_FALSE(self_tested("x\nmeasured a 1\nself-test cable 10000 2000 2000\n"));  // too late
  EXPECT_FALSE(self_tested("x\nself-test cable 10000 2000 1999\nmeasured a 1\n"));
  EXPECT_FALSE(self_tested("x\nself-test cable 10000 2000 2001\nmeasured a 1\n"));
  EXPECT_FALSE(self_tested("x\nself-test cable 10000 0 0\nmeasured a 1\n"));
  EXPECT_FALSE(self_tested("x\nself-test cable 10000 2000\nmeasured a 1\n"));
}

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// The rates of a ladder, and what its table says of the runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pktgen/ladder.h"

namespace xdpfwd::pktgen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SendReport sent_in_a_second(double asked, uint64_t frames) {
  SendReport report;
  report.handed_over = frames;
  report.seconds = 1;
  report.asked_pps = asked;
  return report;
}

TEST(PktgenLadder, ClimbsToTheMaximum) {
  EXPECT_THAT(ladder_rates(12'000), ElementsAre(1000, 2000, 5000, 10'000, 0));
  EXPECT_THAT(ladder_rates(2000), ElementsAre(1000, 2000, 0));
  EXPECT_THAT(ladder_rates(500), ElementsAre(0));
}

TEST(PktgenLadder, TellsMedianWorstAndWhatWasNotSent) {
  LadderTable table;
  for (const uint64_t frames : {1020U, 1001U, 970U, 1000U, 1002U}) table.add(sent_in_a_second(1000, frames));
  SendReport late = sent_in_a_second(2000, 1900);
  late.unsent = 60;
  late.refused = 40;
  table.add(late);
  table.add(sent_in_a_second(0, 123'456));
  EXPECT_THAT(table.text(),
              HasSubstr("\n      1000       1001.0        +0.10      -3.00            0            0\n"));
  EXPECT_THAT(table.text(),
              HasSubstr("\n      2000       1860.0        -7.00      -7.00           60           40\n"));
  EXPECT_TRUE(
      table.text().ends_with("\n   maximum     123456.0            -          -            0            0"))
      << table.text();
}

TEST(PktgenLadder, OfTwoRunsTheMedianIsBetweenThem) {
  LadderTable table;
  table.add(sent_in_a_second(1000, 1000));
  table.add(sent_in_a_second(1000, 980));
  EXPECT_THAT(table.text(), HasSubstr("990.0        -1.00      -2.00"));
}

TEST(PktgenLadder, ARunWithoutRateDeviatesFromNothing) {
  EXPECT_FALSE(sent_in_a_second(0, 1000).deviation_percent());
  EXPECT_DOUBLE_EQ(*sent_in_a_second(1000, 995).deviation_percent(), -0.5);
}

}  // namespace
}  // namespace xdpfwd::pktgen

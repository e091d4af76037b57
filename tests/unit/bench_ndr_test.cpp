// SPDX-License-Identifier: BSD-2-Clause
// What a guest says of its searches, and what the search is told.
#include <gtest/gtest.h>

#include <sstream>

#include "bench/ndr_samples.h"
#include "bench/search_command.h"

namespace xdpfwd::bench {
namespace {

TEST(BenchNdr, OfASearchAndItsTrials) {
  const auto samples = ndr_samples(
      "trial xdpfwd 1 64000 10240 4000 10240 900 90000\ntrial xdpfwd 1 20000 10000 10000 10000 0 10000\n"
      "trial xdpfwd 1 10000 10000 10000 10000 0 8000\nmeasured xdpfwd 1 20000 1 21000 0 25000 9\n");
  ASSERT_TRUE(samples) << samples.error().text();
  ASSERT_EQ(samples->size(), 1U);
  const Metrics& metrics = samples->front().metrics;
  EXPECT_EQ(metrics.at("ndr_pps"), 20'000);
  EXPECT_EQ(metrics.at("ndr_found"), 1);
  EXPECT_EQ(metrics.at("pdr_pps"), 21'000);
  EXPECT_EQ(metrics.at("pdr_found"), 0);
  EXPECT_EQ(metrics.at("mrr_pps"), 25'000);
  EXPECT_EQ(metrics.at("trials"), 9);
  // 200 of 10 000 could come between the last one sent and the look; where some were lost nothing hides.
  EXPECT_EQ(metrics.at("unseen_percent"), 2);
}

TEST(BenchNdr, SayWhatIsMissing) {
  EXPECT_FALSE(ndr_samples("measured xdpfwd 1 20000 1 21000 0 25000 9\n"));    // trials
  EXPECT_FALSE(ndr_samples("trial tcx 1 20000 10000 10001 10000 0 10000\n"));  // more than were due
  EXPECT_FALSE(ndr_samples("trial tcx 1 0 10000 10000 10000 0 10000\n"));
}

std::string search_told(const std::string& told, unsigned times, int* status = nullptr) {
  std::string lines;
  for (unsigned i = 0; i < times; ++i) lines += told + "\n";
  std::istringstream in(lines);
  std::ostringstream out;
  const int ended = search_by_lines({.min_load = 500, .max_load = 64'000, .trials = 3}, in, out);
  if (status != nullptr) *status = ended;
  return out.str();
}

TEST(BenchSearch, EndsAtTheBounds) {
  // Nothing is ever lost: a warm-up, and the two of three that decide; more than that there is not to be had.
  EXPECT_EQ(search_told("0 1000", 3), "try 64000\ntry 64000\ntry 64000\nfound 64000 0 64000 0 64000 3\n");
  int status = -1;
  const std::string none = search_told("1000 1000", 60, &status);
  EXPECT_EQ(status, 0);
  EXPECT_NE(none.find("try 500\n"), std::string::npos) << none;
  EXPECT_NE(none.find("\nfound 0 0 0 0 0 "), std::string::npos) << none;
}

TEST(BenchSearch, TellsTheGoalsApart) {
  // 0.4 % is lost of every load: that is the PDR's whole range, and no NDR's.
  const std::string said = search_told("4 1000", 60);
  EXPECT_NE(said.find("\nfound 0 0 64000 0 63744 "), std::string::npos) << said;
}

TEST(BenchSearch, EndsWhenAScriptSaysNothingOrNonsense) {
  for (const char* told : {"", "1 0", "much"}) {
    int status = 0;
    EXPECT_EQ(search_told(told, 1, &status), "try 64000\n") << told;
    EXPECT_EQ(status, 1) << told;
  }
}

TEST(BenchSearch, RefusesBoundsThatAreNone) {
  std::istringstream in("0 1000\n");
  std::ostringstream out;
  EXPECT_EQ(search_by_lines({.min_load = 500, .max_load = 400}, in, out), 2);
  EXPECT_EQ(search_by_lines({.min_load = 0}, in, out), 2);
  EXPECT_EQ(search_by_lines({.width = 0}, in, out), 2);
  EXPECT_EQ(out.str(), "");
}

TEST(BenchSearch, IsToldWhatWasLost) {
  EXPECT_EQ(loss_told("5 1000"), 0.005);
  EXPECT_EQ(loss_told("0 1"), 0);
  for (const char* line : {"", "1", "1 0", "2 1", "-1 5", "a b", "1 2 3"})
    EXPECT_FALSE(loss_told(line)) << line;
}

}  // namespace
}  // namespace xdpfwd::bench

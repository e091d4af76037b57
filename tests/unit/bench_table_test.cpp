// SPDX-License-Identifier: BSD-2-Clause
// Tables of many MACs: who can hold them, and that all of them are sent to.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench/spread.h"
#include "bench/table_size.h"
#include "support/scratch_directory.h"

namespace xdpfwd::bench {
namespace {

TEST(BenchTable, RowsOfAllTurnsAreTheWholeTable) {
  for (const auto& [rows, most] :
       {std::pair<size_t, size_t>{1'000, 100}, {1'000, 118}, {150, 100}, {100, 99}, {7, 1}}) {
    std::set<size_t> met;
    for (size_t turn = 0; turn * most < rows; ++turn) {
      const std::vector<size_t> some = spread_rows(rows, most, turn);
      EXPECT_EQ(some.size(), most);
      EXPECT_EQ(std::set<size_t>(some.begin(), some.end()).size(), most) << "none twice";
      EXPECT_LT(*std::ranges::max_element(some), rows);
      met.insert(some.begin(), some.end());
    }
    EXPECT_EQ(met.size(), rows) << rows << " rows, " << most << " at a time";
  }
  EXPECT_EQ(spread_rows(3, 3, 5), (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(spread_rows(3, 9, 5), (std::vector<size_t>{0, 1, 2}));
}

TEST(BenchTable, SomeHoldFewMacs) {
  ScratchDirectory scratch;
  auto file = ResultFile::open(scratch.path(), "some", {{"format", kResultFormat}, {"scenario", "some"}});
  ASSERT_TRUE(file) << file.error().text();
  RunOptions options;
  Progress progress;
  bench::Run run{.options = options, .file = *file, .progress = progress, .interrupted = {}};
  const auto holders = [&](double macs) {
    std::vector<const ContenderKind*> all;
    for (const char* name : {"xdpfwd", "ovs-kernel", "testpmd"}) all.push_back(find_contender(name));
    std::string names;
    for (const ContenderKind* kind : holders_of(run, all, macs)) names += kind->name + " ";
    return names;
  };
  EXPECT_EQ(holders(1), "xdpfwd ovs-kernel testpmd ");
  EXPECT_EQ(holders(100), "xdpfwd ovs-kernel ");
  EXPECT_EQ(holders(1e6), "xdpfwd ");
  EXPECT_EQ(file->results().absent.at("testpmd with 100 MACs"), "it looks nothing up");
}

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// Results on disk survive crashes and are continued, comparisons find what changed, and the report shows it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/compare.h"
#include "bench/environment.h"
#include "bench/lab_boot.h"
#include "bench/report.h"
#include "bench/result_file.h"
#include "support/scratch_directory.h"

namespace xdpfwd::bench {
namespace {

nlohmann::json header(const std::string& commit) {
  return {{"format", "xdpfwd-bench 1"}, {"scenario", "some"}, {"same", {{"commit", commit}}}};
}

Sample sample(const std::string& contender, double pps, unsigned repetition, double value) {
  return {contender, {{"pps", pps}}, repetition, {{"ns", value}}};
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class BenchResults : public testing::Test {
 protected:
  ScratchDirectory scratch_;
  std::string folder_ = scratch_.path() + "/run";
};

TEST_F(BenchResults, AreReadAsTheyWereWritten) {
  {
    auto file = ResultFile::open(folder_, "some", header("a"));
    ASSERT_TRUE(file) << file.error().text();
    ASSERT_TRUE(file->add(sample("x", 10'000, 1, 5.25)));
    ASSERT_TRUE(file->add_absent("y", "no such kernel"));
    ASSERT_TRUE(file->add_guest("kernel", "6.12"));
    ASSERT_TRUE(file->finish());
  }
  const auto all = read_folder(folder_);
  ASSERT_TRUE(all) << all.error().text();
  ASSERT_EQ(all->size(), 1U);
  const ResultSet& results = all->front();
  EXPECT_EQ(results.scenario, "some");
  EXPECT_TRUE(results.complete);
  EXPECT_EQ(results.absent.at("y"), "no such kernel");
  EXPECT_EQ(results.guest.at("kernel"), "6.12");
  ASSERT_EQ(results.samples.size(), 1U);
  EXPECT_EQ(results.samples[0].point.at("pps"), 10'000);
  EXPECT_EQ(results.samples[0].metrics.at("ns"), 5.25);
}

TEST_F(BenchResults, AreOfOneRunAtATime) {
  const auto file = ResultFile::open(folder_, "some", header("a"));
  ASSERT_TRUE(file);
  const auto other = ResultFile::open(folder_, "some", header("a"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().text(),
            folder_ + "/some.jsonl: another run writes to it; wait for it, or choose another --out");
  EXPECT_TRUE(ResultFile::open(folder_, "another", header("a")));
}

TEST_F(BenchResults, AreContinuedAfterAnInterruption) {
  {
    auto file = ResultFile::open(folder_, "some", header("a"));
    ASSERT_TRUE(file->add(sample("x", 10'000, 1, 5)));
  }
  // What a crash leaves: half a line.
  std::ofstream(folder_ + "/some.jsonl", std::ios::app) << "{\"contender\":\"x\",\"poi";
  {
    auto file = ResultFile::open(folder_, "some", header("a"));
    ASSERT_TRUE(file) << file.error().text();
    EXPECT_TRUE(file->has("x", {{"pps", 10'000}}, 1));
    EXPECT_FALSE(file->has("x", {{"pps", 10'000}}, 2));
    file->begin_boot();
    ASSERT_TRUE(file->add(sample("x", 10'000, 2, 6)));
    EXPECT_FALSE(file->results().complete);
  }
  const auto results = read_results(folder_ + "/some.jsonl");
  ASSERT_TRUE(results) << results.error().text();
  ASSERT_EQ(results->samples.size(), 2U);
  EXPECT_EQ(results->samples[0].boot, 0U);
  EXPECT_EQ(results->samples[1].boot, 1U);
  {
    auto file = ResultFile::open(folder_, "some", header("a"));
    file->begin_boot();
    ASSERT_TRUE(file->add(sample("x", 10'000, 3, 6)));
    EXPECT_EQ(file->results().samples.back().boot, 2U);
  }
}

TEST_F(BenchResults, TakeOnlyWhatIsNew) {
  auto file = ResultFile::open(folder_, "some", header("a"));
  ASSERT_TRUE(file->add_new({sample("x", 10'000, 1, 5), sample("x", 10'000, 2, 6)}));
  ASSERT_TRUE(
      file->add_new({sample("x", 10'000, 1, 7), sample("x", 20'000, 1, 8), sample("y", 10'000, 1, 9)}));
  const auto results = read_results(folder_ + "/some.jsonl");
  ASSERT_TRUE(results) << results.error().text();
  EXPECT_EQ(results->values("ns").at({"x", {{"pps", 10'000}}}), (std::vector<double>{5, 6}));
  EXPECT_EQ(results->samples.size(), 4U);
}

TEST_F(BenchResults, SayWhatIsLeftOfARun) {
  auto file = ResultFile::open(folder_, "some", header("a"));
  const auto add = [&](const std::string& contender, unsigned repetition) {
    ASSERT_TRUE(file->add({contender, {}, repetition, {{"ns", 1}}}));
  };
  EXPECT_EQ(left_of(*file, {"x", "y"}, 3).words, "x:1,y:1");
  for (const unsigned repetition : {1U, 2U, 3U}) add("x", repetition);
  add("y", 1);
  add("z", 1);
  add("z", 3);  // one that is missing in between is not forgotten
  const Left left = left_of(*file, {"x", "y", "z", "new"}, 3);
  EXPECT_EQ(left.words, "y:2,z:2,new:1");
  EXPECT_EQ(left.count, 7U);
  EXPECT_EQ(left_of(*file, {"x"}, 3).count, 0U);
}

TEST_F(BenchResults, AreNotMixedWithThoseOfAnotherCommit) {
  {
    auto file = ResultFile::open(folder_, "some", header("a"));
    ASSERT_TRUE(file);
  }
  const auto other = ResultFile::open(folder_, "some", header("b"));
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().text().find("commit \"a\", not \"b\"; choose another --out"), std::string::npos)
      << other.error().text();
}

TEST(BenchEnvironment, IsTheSameHoweverItWasSaid) {
  const RunOptions options{.contenders = {"xdpfwd", "tcx"}};
  const RunOptions turned{.contenders = {"tcx", "xdpfwd"}};
  const auto same = [](const RunOptions& of, const std::vector<std::string>& flags) {
    return describe_environment(of, flags)["same"];
  };
  EXPECT_EQ(same(options, {"run", "--json"}), same(turned, {"run"}));
  EXPECT_NE(same(options, {"run"}), same({.quick = true, .contenders = {"xdpfwd", "tcx"}}, {"run"}));
}

TEST_F(BenchResults, AreNotMixedWithThoseOfAnotherGuest) {
  {
    auto file = ResultFile::open(folder_, "some", header("a"));
    ASSERT_TRUE(file->add_guest("kernel", "6.12"));
  }
  auto file = ResultFile::open(folder_, "some", header("a"));
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->add_guest("kernel", "6.12"));
  EXPECT_TRUE(file->add_guest("nic", "igb"));
  const auto other = file->add_guest("kernel", "6.1");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().text().find("kernel '6.12', not '6.1'; choose another --out"), std::string::npos)
      << other.error().text();
}

TEST(BenchGuest, IsWhatTheLogSays) {
  const auto guest = guest_of_log(
      "lab: QEMU emulator version 10.0.2 (Debian)\nlab: guest up\nenvironment kernel 6.12.1 #1 SMP\n"
      "measured environment x\nenvironment nic igb\nenvironment ovs ovs-vsw");
  EXPECT_EQ(guest, (std::map<std::string, std::string>{{"emulator", "QEMU emulator version 10.0.2 (Debian)"},
                                                       {"kernel", "6.12.1 #1 SMP"},
                                                       {"nic", "igb"}}));
}

// A last line that is whole but for its end is measured again, and read once.
TEST_F(BenchResults, CountNoLineThatIsCutOff) {
  {
    auto file = ResultFile::open(folder_, "some", header("a"));
    ASSERT_TRUE(file->add(sample("x", 10'000, 1, 5)));
  }
  const std::string path = folder_ + "/some.jsonl";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  auto file = ResultFile::open(folder_, "some", header("a"));
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_FALSE(file->has("x", {{"pps", 10'000}}, 1));
}

TEST_F(BenchResults, OfOtherShapesAreRefused) {
  const std::string path = scratch_.path() + "/some.jsonl";
  for (const char* line : {"5", "[]", R"({"contender":7,"point":{},"metrics":{}})", R"({"scenario":5})",
                           R"({"contender":"x","point":{},"metrics":{},"repetition":"a"})",
                           R"({"contender":"x","metrics":{}})", R"({"format":"xdpfwd-bench 99"})"}) {
    std::ofstream(path) << header("a").dump() << "\n" << line << "\n{}\n";
    const auto results = read_results(path);
    ASSERT_FALSE(results) << line;
    EXPECT_NE(results.error().text().find(path), std::string::npos) << results.error().text();
  }
}

TEST_F(BenchResults, SaySoWhenTheyAreNone) {
  EXPECT_FALSE(read_folder(folder_));
  std::ofstream(scratch_.path() + "/some.jsonl") << "rubbish\nmore\n";
  const auto results = read_folder(scratch_.path());
  ASSERT_FALSE(results);
  EXPECT_NE(results.error().text().find("some.jsonl"), std::string::npos);
}

ResultSet set_of(double x, double y) {
  ResultSet results{.scenario = "some", .header = header("a")};
  for (unsigned i = 1; i <= 10; ++i) {
    results.samples.push_back(sample("x", 1000, i, x + i * 0.01));
    results.samples.push_back(sample("y", 1000, i, y + i * 0.01));
  }
  return results;
}

TEST(BenchCompare, FindsWhatChangedAndOnlyThat) {
  const std::vector<Difference> differences = compare_runs({set_of(100, 50)}, {set_of(110, 50)});
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0].contender, "x");
  EXPECT_TRUE(differences[0].significant());
  EXPECT_NEAR(differences[0].ratio, 1.1, 0.001);
  EXPECT_FALSE(differences[1].significant());
  const std::string text = compare_text(differences);
  EXPECT_NE(text.find("1 of 2 figures"), std::string::npos) << text;
}

// Windows of a boot are alike, and boots are not.
ResultSet lab_boots(const std::vector<double>& of_boots, unsigned first_boot = 1) {
  ResultSet results{.scenario = "cost-per-packet", .header = header("a")};
  unsigned boot = first_boot;
  for (const double value : of_boots) {
    for (unsigned i = 1; i <= 10; ++i) {
      results.samples.push_back(sample("x", 1000, i, value + i * 0.01));
      results.samples.back().boot = boot;
    }
    boot += first_boot == 0 ? 0 : 1;
  }
  return results;
}

TEST(BenchCompare, OfFewRepetitionsOnlyWhatIsLargeIsTold) {
  const auto few = [](double x, double y) {
    ResultSet results = set_of(x, y);
    results.samples.resize(6);  // three repetitions
    return results;
  };
  const auto differences = compare_runs({few(100, 50)}, {few(200, 51)});
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_FALSE(differences[0].significant());
  EXPECT_TRUE(differences[0].is_large());
  EXPECT_FALSE(differences[1].is_large());
  const std::string text = compare_text(differences);
  EXPECT_NE(text.find("1 of 2 figures differ by more than 10 %: fewer than 4 repetitions"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("more than chance"), std::string::npos) << text;
}

TEST(BenchCompare, TellsHowItWasMeasuredAndWhatOnlyOneHas) {
  ResultSet quick = set_of(100, 50);
  ResultSet full = set_of(100, 50);
  quick.header["same"] = {{"quick", true}, {"rx_cpu", 1}};
  full.header["same"] = {{"quick", false}, {"rx_cpu", 1}};
  ResultSet another = full;
  another.scenario = "another";
  const std::string text = differing_headers({quick}, {full, another});
  EXPECT_NE(text.find("quick  true    false\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("rx_cpu"), std::string::npos) << text;
  EXPECT_NE(text.find("another is not compared: only the run after has it\n"), std::string::npos) << text;
}

TEST(BenchCompare, FromNothingThereIsNoRatio) {
  ResultSet nothing = set_of(0, 50);
  for (Sample& one : nothing.samples)
    if (one.contender == "x") one.metrics["ns"] = 0;
  const std::string text = compare_text(compare_runs({nothing}, {set_of(5, 50)}));
  EXPECT_NE(text.find("1 of 2 figures"), std::string::npos) << text;
  EXPECT_EQ(text.find("nan"), std::string::npos) << text;
  EXPECT_EQ(text.find("inf"), std::string::npos) << text;
}

TEST(BenchCompare, TwoBootsOfOneBuildAreNoDifference) {
  // Also of files from before boots were written down.
  for (const unsigned boot : {0U, 1U}) {
    const auto differences = compare_runs({lab_boots({1000}, boot)}, {lab_boots({1015}, boot)});
    ASSERT_EQ(differences.size(), 1U);
    EXPECT_FALSE(differences[0].significant());
    EXPECT_FALSE(differences[0].is_large());
    const std::string text = compare_text(differences);
    EXPECT_NE(text.find("0 of 1 figures of the lab differ by more than 2 %"), std::string::npos) << text;
    EXPECT_EQ(text.find("more than chance"), std::string::npos) << text;
  }
}

TEST(BenchCompare, OfFewBootsOnlyWhatIsBeyondTheirOwnDifferenceIsTold) {
  const auto differences = compare_runs({lab_boots({1000})}, {lab_boots({1030})});
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_FALSE(differences[0].significant());
  EXPECT_TRUE(differences[0].is_large());
  const std::string text = compare_text(differences);
  EXPECT_NE(text.find("1 of 1 figures of the lab"), std::string::npos) << text;
  EXPECT_NE(text.find(" 1.030\n"), std::string::npos) << text;
  // From nothing to something.
  EXPECT_TRUE((Difference{.before = 0, .after = 5, .too_few = true}.is_large()));
}

TEST(BenchCompare, ManyBootsTellChance) {
  const auto significant = [](const std::vector<double>& before, const std::vector<double>& after) {
    return compare_runs({lab_boots(before)}, {lab_boots(after)}).at(0).significant();
  };
  EXPECT_TRUE(significant({1000, 1004, 1008, 1012}, {1020, 1024, 1028, 1032}));
  EXPECT_FALSE(significant({1000, 1004, 1008, 1012}, {1002, 1006, 1010, 1014}));
  EXPECT_FALSE(significant({1000, 1004, 1008}, {1020, 1024, 1028}));
}

TEST(BenchCompare, HeadersThatDifferAreToldOnce) {
  ResultSet before = set_of(100, 50);
  before.header = {{"commit", "aaa"}, {"cpu", "some CPU"}, {"flags", {"--out", "a"}}};
  ResultSet after = before;
  EXPECT_EQ(differing_headers({before}, {after}), "");
  after.header["commit"] = "bbb";
  after.header["flags"] = {"--out", "b"};
  after.guest["kernel"] = "6.12";
  ResultSet other_before = before;
  ResultSet other_after = after;
  other_before.scenario = other_after.scenario = "other";
  EXPECT_EQ(differing_headers({before, other_before}, {after, other_after}),
            "                BEFORE    AFTER\n"
            "commit          aaa       bbb\n"
            "guest's kernel  not told  6.12\n");
}

const ScenarioKind kKind{.name = "some",
                         .summary = "a question",
                         .run = {},
                         .plots = {{"cost", "pps", "packets per second", "ns", "ns", true, false}},
                         .ratios = {{"ns", "x", "y"}, {"ns", "x", "y", "base"}},
                         .table = {"ns"}};

TEST(BenchGuest, IsToldAndTheHostIsNoPartOfIt) {
  const nlohmann::json lab = of_the_lab(describe_environment({}, {}));
  EXPECT_FALSE(lab.contains("kernel"));
  EXPECT_FALSE(lab.contains("versions"));
  EXPECT_FALSE(lab["host_kernel"].get<std::string>().empty());
  ResultSet results = set_of(100, 50);
  results.guest["kernel"] = "6.12.1 #1 SMP";
  EXPECT_NE(summary_text(results, kKind).find("guest's kernel: 6.12.1 #1 SMP\n"), std::string::npos);
}

TEST(BenchReport, RatiosAreOfMediansAndMayHaveABase) {
  ResultSet results = set_of(100, 50);
  for (unsigned i = 1; i <= 10; ++i) results.samples.push_back(sample("base", 1000, i, 25 + i * 0.01));
  const std::vector<Ratios> ratios = ratios_of(results, kKind);
  ASSERT_EQ(ratios.size(), 2U);
  EXPECT_NEAR(ratios[0].value.ratio, 2, 0.002);
  EXPECT_NEAR(ratios[1].value.ratio, 3, 0.002);
}

TEST(BenchReport, ByNothingNothingIsDivided) {
  EXPECT_TRUE(ratios_of(set_of(100, -0.055), kKind).empty());
}

TEST(BenchReport, ChartsAndTablesHoldTheFigures) {
  const ResultSet results = set_of(100, 50);
  const std::vector<Chart> charts = charts_of(results, kKind);
  ASSERT_EQ(charts.size(), 1U);
  ASSERT_EQ(charts[0].series.size(), 2U);
  EXPECT_EQ(charts[0].series[0].name, "x");
  EXPECT_NEAR(charts[0].series[0].points[0].y, 100.055, 1e-9);
  const std::string svg = svg_of(charts[0]);
  EXPECT_NE(svg.find("</svg>"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
  const std::string csv = csv_of(results);
  EXPECT_NE(csv.find("some,x,1000,ns,10,100.0325,100.055,100.0775"), std::string::npos) << csv;
  ResultSet in_modes = results;
  in_modes.samples = {sample("x, threaded", 1000, 1, 25)};
  EXPECT_NE(csv_of(in_modes).find("some,\"x, threaded\",1000,ns,1,25,25,25"), std::string::npos)
      << csv_of(in_modes);
}

TEST(BenchReport, WhatOthersPublishedIsDashedInItsPlot) {
  ScenarioKind kind = kKind;
  kind.plots[0].published = {{.name = "article", .rest = {}, .points = {{1000, 40}, {2000, 80}}},
                             {.name = "of another plot", .rest = {{"vms", 1}}, .points = {{1000, 1}}}};
  const std::vector<Chart> charts = charts_of(set_of(100, 50), kind);
  ASSERT_EQ(charts[0].series.size(), 3U);
  EXPECT_EQ(charts[0].series[2].name, "article");
  EXPECT_EQ(charts[0].series[2].points[1].y, 80);
  const std::string svg = svg_of(charts[0]);
  EXPECT_NE(svg.find("stroke-dasharray"), std::string::npos);
  EXPECT_EQ(svg_of(charts_of(set_of(100, 50), kKind)[0]).find("stroke-dasharray"), std::string::npos);
}

TEST(BenchReport, StacksHaveAGroupForEachPointAndAChartForEachOtherCoordinate) {
  ResultSet results{.scenario = "some", .header = {}, .samples = {}};
  for (const double queues : {1.0, 4.0})
    for (const double share : {0.0, 90.0})
      for (const std::string contender : {"x, a", "x, b"})
        for (unsigned i = 1; i <= 3; ++i)
          results.samples.push_back({contender,
                                     {{"queues", queues}, {"share", share}},
                                     i,
                                     {{"softirq", share + i}, {"user", queues}}});
  ScenarioKind kind = kKind;
  kind.stacks = {{"CPU",
                  "share",
                  "% of its most",
                  "% of a CPU",
                  {{"softirq", "in softirqs"}, {"user", "in user space"}}}};
  const std::vector<StackChart> charts = stack_charts_of(results, kind);
  ASSERT_EQ(charts.size(), 2U);
  EXPECT_EQ(charts[1].title, "CPU – queues 4");
  EXPECT_EQ(charts[1].parts, (std::vector<std::string>{"in softirqs", "in user space"}));
  ASSERT_EQ(charts[1].groups.size(), 2U);
  EXPECT_EQ(charts[1].groups[1].name, "90");
  ASSERT_EQ(charts[1].groups[1].bars.size(), 2U);
  EXPECT_EQ(charts[1].groups[1].bars[1].name, "b");
  EXPECT_EQ(charts[1].groups[1].bars[1].parts, (std::vector<double>{92, 4}));
  const std::string svg = svg_of(charts[1]);
  EXPECT_NE(svg.find("in softirqs"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
}

TEST(BenchReport, PlotsMayHaveABase) {
  ResultSet results = set_of(100, 50);
  for (unsigned i = 1; i <= 10; ++i) results.samples.push_back(sample("base", 1000, i, 25 + i * 0.01));
  ScenarioKind kind = kKind;
  kind.plots[0].base = "base";
  const std::vector<Chart> charts = charts_of(results, kind);
  ASSERT_EQ(charts.size(), 1U);
  ASSERT_EQ(charts[0].series.size(), 2U);  // the base is no line of its own
  EXPECT_NEAR(charts[0].series[0].points[0].y, 75, 1e-9);
  EXPECT_NEAR(charts[0].series[1].points[0].y, 25, 1e-9);
}

TEST(BenchReport, RowsArePointsAndContendersWhereThereIsOnePoint) {
  ResultSet results = set_of(100, 50);
  const std::string one_point = summary_text(results, kKind);
  EXPECT_NE(one_point.find("\nx "), std::string::npos) << one_point;
  EXPECT_EQ(one_point.find("pps 1000 "), std::string::npos) << one_point;
  results.samples.push_back(sample("x", 2000, 1, 70));
  const std::string two_points = summary_text(results, kKind);
  EXPECT_NE(two_points.find("\npps 1000 "), std::string::npos) << two_points;
  EXPECT_NE(two_points.find("\npps 2000 "), std::string::npos) << two_points;
  EXPECT_EQ(two_points.find("\nx "), std::string::npos) << two_points;
}

TEST(BenchReport, IntervalsOfFewBootsAreCalledSo) {
  ResultSet results = set_of(100, 50);
  const auto says = [&](const std::string& what) {
    return summary_text(results, kKind).find(what) != std::string::npos;
  };
  EXPECT_FALSE(says("boot")) << "the host tier has none";
  for (Sample& one : results.samples) one.boot = 1;
  EXPECT_TRUE(says("within one boot of the lab"));
  results.samples.back().boot = 3;
  EXPECT_TRUE(says("within 2 boots of the lab"));
  for (Sample& one : results.samples) one.boot = one.repetition % 4 + 1;
  EXPECT_FALSE(says("boot"));
}

TEST(BenchReport, IntervalsOfFewRepetitionsAreCalledSo) {
  ResultSet results = set_of(100, 50);
  const auto says_so = [&] {
    return summary_text(results, kKind).find("fewer than 6 rep") != std::string::npos;
  };
  const auto keep = [&](unsigned repetitions) {
    std::erase_if(results.samples, [&](const Sample& one) { return one.repetition > repetitions; });
  };
  keep(6);
  EXPECT_FALSE(says_so());
  keep(5);
  EXPECT_TRUE(says_so());
  std::erase_if(results.samples, [](const Sample& one) { return one.contender == "y"; });
  EXPECT_FALSE(says_so()) << "there is no ratio";
}

// Instructions of full polls, less what the sender costs: 900 : 4500, 900 : 3600, 900 : 500.
TEST(BenchHeadline, IsOfFullPollsLessTheSender) {
  ResultSet results{.scenario = "cost-per-packet", .header = header("a")};
  const auto add = [&](const char* contender, double vms, double poll, double instructions) {
    for (unsigned i = 1; i <= 3; ++i)
      results.samples.push_back({contender,
                                 {{"pps", 10'000}, {"vms", vms}, {"poll", poll}, {"cpus", 1}},
                                 i,
                                 {{"softirq_instructions_per_packet", instructions}}});
  };
  for (const double poll : {16.0, 1.0}) {
    const double more = poll == 1 ? 2700 : 0;
    // Of one VM, where it was not measured with more.
    add("nobody", 1, poll, 1000);
    add("xdpfwd", 1, poll, 1900 + more);
    add("ovs-kernel", 1, poll, 5500 + more);
    add("bridge", 1, poll, 4600 + more);
    add("bare-redirect", 1, poll, 1500 + more);
    add("xdpfwd", 2, poll, 1945 + more);
  }
  const ScenarioKind* kind = find_scenario("cost-per-packet");
  ASSERT_NE(kind, nullptr);
  const nlohmann::json line = kind->json_line(results);
  EXPECT_NEAR(line["xdpfwd_over_ovs"].get<double>(), 0.2, 1e-9);
  EXPECT_NEAR(line["xdpfwd_over_bridge"].get<double>(), 0.25, 1e-9);
  EXPECT_NEAR(line["xdpfwd_over_floor"].get<double>(), 1.8, 1e-9);
  EXPECT_NEAR(line["two_vms_over_one"].get<double>(), 1.05, 1e-9);
  EXPECT_EQ(line["spread_percent"], 0);
  EXPECT_TRUE(line["ovs_two_vms_over_one"].is_null());  // was not measured
  EXPECT_NEAR(line["one_frame_a_poll"]["xdpfwd_over_ovs"].get<double>(), 0.5, 1e-9);
  EXPECT_FALSE(line.contains("several_cpus"));
  EXPECT_FALSE(line.contains("delivered_pps_in_overload"));
  results.samples.push_back(
      {"nobody", {{"pps", 0}, {"vms", 1}, {"poll", 64}, {"cpus", 1}}, 1, {{"sent_pps", 240'000}}});
  for (const auto& [contender, pps] : {std::pair("xdpfwd", 120'000), std::pair("ovs-kernel", 40'000)})
    results.samples.push_back(
        {contender, {{"pps", 0}, {"vms", 1}, {"poll", 64}, {"cpus", 1}}, 1, {{"delivered_pps", pps}}});
  const nlohmann::json overload = kind->json_line(results)["delivered_pps_in_overload"]["one_cpu"];
  EXPECT_EQ(overload["xdpfwd_over_ovs"], 3);
  EXPECT_NEAR(overload["xdpfwd_over_ovs_less_sender"].get<double>(), 5, 1e-9);  // 6 - 1 and 2 - 1
}

// One that is no slower than the sender alone leaves nothing to compare; nor does one that delivers nothing.
TEST(BenchHeadline, OfOverloadHasNoShareOfTheSenderThatIsAll) {
  const ScenarioKind* kind = find_scenario("cost-per-packet");
  const auto overload = [&](double ours, double theirs) {
    ResultSet results{.scenario = "cost-per-packet", .header = header("a")};
    const Point at = {{"pps", 0}, {"vms", 1}, {"poll", 64}, {"cpus", 1}};
    results.samples = {{"nobody", at, 1, {{"sent_pps", 100'000}}},
                       {"xdpfwd", at, 1, {{"delivered_pps", ours}}},
                       {"ovs-kernel", at, 1, {{"delivered_pps", theirs}}}};
    return kind->json_line(results)["delivered_pps_in_overload"]["one_cpu"];
  };
  EXPECT_TRUE(overload(50'000, 25'000).contains("xdpfwd_over_ovs_less_sender"));
  EXPECT_FALSE(overload(100'000, 50'000).contains("xdpfwd_over_ovs_less_sender"));
  EXPECT_EQ(overload(120'000, 40'000)["xdpfwd_over_ovs"], 3);
  EXPECT_FALSE(overload(120'000, 40'000).contains("xdpfwd_over_ovs_less_sender"));
  EXPECT_FALSE(overload(120'000, 0).contains("xdpfwd_over_ovs"));
}

struct Window {
  std::string contender;
  double frames_per_poll = 16;
  double lost = 0;  // of 1000
};

ResultSet windows_of(const std::vector<Window>& windows, double poll = 16) {
  ResultSet results{.scenario = "cost-per-packet", .header = header("a"), .complete = true};
  for (const Window& one : windows)
    results.samples.push_back({one.contender,
                               {{"pps", 10'000}, {"vms", 1}, {"poll", poll}, {"cpus", 1}},
                               1,
                               {{"softirq_instructions_per_packet", one.contender == "nobody" ? 10 : 1000},
                                {"sent", 1000},
                                {"lost", one.lost},
                                {"frames_per_poll", one.frames_per_poll}}});
  return results;
}

TEST(BenchHeadline, IsRefusedWhereFramesArrivedOtherwise) {
  const ScenarioKind* kind = find_scenario("cost-per-packet");
  const auto refused = [&](double ours, double theirs, double poll = 16) {
    const auto line =
        kind->json_line(windows_of({{"nobody", 0, 1000}, {"xdpfwd", ours}, {"ovs-kernel", theirs}}, poll));
    const auto& ratio = poll == 16 ? line["xdpfwd_over_ovs"] : line["budget_polls"]["xdpfwd_over_ovs"];
    EXPECT_EQ(ratio.is_null(), line.contains("refused"));
    return ratio.is_null();
  };
  EXPECT_FALSE(refused(16, 16));
  EXPECT_FALSE(refused(13.7, 18.3));
  EXPECT_TRUE(refused(13.5, 16));
  EXPECT_TRUE(refused(18.5, 16));
  EXPECT_TRUE(refused(16, 13.5));
  EXPECT_FALSE(refused(16, 21));  // its own work fills them: in its favour
  EXPECT_FALSE(refused(45, 48, 64));
}

TEST_F(BenchResults, TheReportSaysWhatIsRefused) {
  {
    nlohmann::json of_the_lab = header("a");
    of_the_lab["scenario"] = "cost-per-packet";
    auto file = ResultFile::open(folder_, "cost-per-packet", of_the_lab);
    for (const Sample& one : windows_of({{"nobody"}, {"xdpfwd", 30}}).samples) ASSERT_TRUE(file->add(one));
  }
  ASSERT_TRUE(write_report(folder_));
  EXPECT_NE(text_of(folder_ + "/report.html").find("30.0 frames a poll"), std::string::npos);
  EXPECT_NE(text_of(folder_ + "/report.html").find("<td>not measured</td>"), std::string::npos);
}

TEST(BenchHeadline, IsRefusedWhereFramesWereLost) {
  const ScenarioKind* kind = find_scenario("cost-per-packet");
  const ResultSet few = windows_of({{"nobody", 0, 1000}, {"xdpfwd", 16, 10}, {"ovs-kernel"}});
  EXPECT_FALSE(kind->json_line(few).contains("refused"));
  EXPECT_EQ(kind->json_line(few)["xdpfwd_over_ovs"], 1);
  // Two windows of one point are one reason.
  const ResultSet many =
      windows_of({{"nobody", 0, 1000}, {"xdpfwd"}, {"ovs-kernel", 16, 11}, {"ovs-kernel", 16, 12}});
  const auto line = kind->json_line(many);
  EXPECT_EQ(line["refused"].size(), 1U);
  EXPECT_TRUE(line["xdpfwd_over_ovs"].is_null());
  EXPECT_FALSE(line["instructions"]["xdpfwd"].is_null());
  const std::string why = line["refused"].at(0);
  EXPECT_NE(why.find("ovs-kernel"), std::string::npos) << why;
  EXPECT_NE(why.find("lost 1.1 %"), std::string::npos) << why;
  EXPECT_NE(summary_text(many, *kind).find(why), std::string::npos);
}

TEST_F(BenchResults, TheReportNeedsNothingBesideIt) {
  {
    auto file = ResultFile::open(folder_, "some", header("a"));
    for (const Sample& one : set_of(100, 50).samples) ASSERT_TRUE(file->add(one));
    ASSERT_TRUE(file->finish());
  }
  const auto files = write_report(folder_);
  ASSERT_TRUE(files) << files.error().text();
  const std::string html = text_of(folder_ + "/report.html");
  EXPECT_NE(html.find("<h2>some</h2>"), std::string::npos);
  for (const char* outside : {"src=", "<link", "http://", "https://"}) {
    const size_t at = html.find(outside);
    // The one address is SVG's namespace, which nobody fetches.
    EXPECT_TRUE(at == std::string::npos || html.compare(at, 26, "http://www.w3.org/2000/svg") == 0)
        << outside;
  }
  EXPECT_NE(text_of(folder_ + "/some.csv").find("some,x,1000"), std::string::npos);
}

TEST(BenchChart, NumbersAreShort) {
  EXPECT_EQ(short_number(1'500'000), "1.5M");
  EXPECT_EQ(short_number(25'000), "25k");
  EXPECT_EQ(short_number(0.1234), "0.123");
  EXPECT_EQ(escaped("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
}

}  // namespace
}  // namespace xdpfwd::bench

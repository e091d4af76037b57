// SPDX-License-Identifier: BSD-2-Clause
// What the project aims at is told with every result, and is reached only where it was measured.
#include <gtest/gtest.h>

#include <algorithm>

#include "bench/aim.h"
#include "bench/report.h"
#include "bench/scenario.h"

namespace xdpfwd::bench {
namespace {

Aim aim_of(Aim::Side side, std::optional<double> measured, std::optional<double> bound = 2) {
  Aim aim{.what = "x / y", .bound = bound, .side = side};
  if (measured) aim.measured = RatioInterval{*measured, *measured, *measured};
  return aim;
}

TEST(BenchAims, AreReachedOnTheBoundAndMissedBeyondIt) {
  EXPECT_EQ(verdict_on(aim_of(Aim::Side::kAtMost, 2)), "reached");
  EXPECT_EQ(verdict_on(aim_of(Aim::Side::kAtMost, 2.001)), "missed");
  EXPECT_EQ(verdict_on(aim_of(Aim::Side::kAtLeast, 2)), "reached");
  EXPECT_EQ(verdict_on(aim_of(Aim::Side::kAtLeast, 1.999)), "missed");
  EXPECT_EQ(verdict_on(aim_of(Aim::Side::kAtLeast, std::nullopt)), "not measured");
  EXPECT_EQ(verdict_on(aim_of(Aim::Side::kAtMost, 1, std::nullopt)), "");
}

TEST(BenchAims, OfSeveralPointsTheWorstCounts) {
  const std::vector<MeasuredAt> all = {{"a", {1, 1, 1}}, {"b", {3, 3, 3}}, {"c", {2, 2, 2}}};
  const Aim most = worst_of(aim_of(Aim::Side::kAtMost, std::nullopt), all);
  EXPECT_EQ(verdict_on(most), "missed");
  EXPECT_EQ(most.remark, "b, the worst of 3");
  const Aim least = worst_of(aim_of(Aim::Side::kAtLeast, std::nullopt), all);
  EXPECT_EQ(verdict_on(least), "missed");
  EXPECT_EQ(least.remark, "a, the worst of 3");
  EXPECT_EQ(verdict_on(worst_of(aim_of(Aim::Side::kAtMost, std::nullopt), std::vector<MeasuredAt>{})),
            "not measured");
}

TEST(BenchAims, AreShownAsATable) {
  const std::vector<Aim> aims = {aim_of(Aim::Side::kAtMost, 1.5), aim_of(Aim::Side::kAtLeast, std::nullopt)};
  const std::string text = aims_text(aims);
  EXPECT_NE(text.find("x / y"), std::string::npos) << text;
  EXPECT_NE(text.find("<= 2"), std::string::npos) << text;
  EXPECT_NE(text.find("1.500 (1.500 to 1.500)  reached\n"), std::string::npos) << text;
  EXPECT_NE(text.find("not measured\n"), std::string::npos) << text;
  EXPECT_NE(aims_html(aims).find("<td>&lt;= 2</td>"), std::string::npos) << aims_html(aims);
  EXPECT_EQ(aims_text({}), "");
  EXPECT_EQ(aims_html({}), "");
}

std::vector<Aim> aims_of(const ResultSet& results) {
  const ScenarioKind* kind = find_scenario(results.scenario);
  return kind != nullptr && kind->aims ? kind->aims(results) : std::vector<Aim>{};
}

const Aim* find(const std::vector<Aim>& aims, const std::string& what) {
  const auto found = std::ranges::find(aims, what, &Aim::what);
  return found == aims.end() ? nullptr : &*found;
}

std::string verdict_on(const std::vector<Aim>& aims, const std::string& what) {
  const Aim* aim = find(aims, what);
  return aim == nullptr ? "there is no such aim" : verdict_on(*aim);
}

struct Cost {
  std::string contender;
  double instructions = 0;
  double vms = 1;
  double frames_per_poll = 16;
  double lost = 0;  // of 1000
};

// One window of each, at a rate and in a way of arriving.
void add(ResultSet& results, double pps, double poll, const std::vector<Cost>& all) {
  for (const Cost& one : all)
    results.samples.push_back({one.contender,
                               {{"pps", pps}, {"vms", one.vms}, {"poll", poll}, {"cpus", 1}},
                               1,
                               {{"softirq_instructions_per_packet", one.instructions},
                                {"sent", 1000},
                                {"lost", one.lost},
                                {"frames_per_poll", one.frames_per_poll}}});
}

ResultSet cost_results() {
  return {.scenario = "cost-per-packet", .header = {{"same", {{"commit", "a"}}}}};
}

TEST(BenchCostAims, AreOfEachWayOfArrivingAtItsWorstRate) {
  ResultSet results = cost_results();
  // Less what "nobody" costs: 800, 4000, 2000, 800, and 820 with two VMs.
  add(results, 10'000, 16,
      {{"nobody", 100},
       {"xdpfwd", 900},
       {"ovs-kernel", 4100},
       {"bridge", 2100},
       {"bare-redirect", 900},
       {"xdpfwd", 920, 2},
       {"ovs-kernel", 8100, 2}});
  add(results, 20'000, 16, {{"nobody", 100}, {"xdpfwd", 900}, {"ovs-kernel", 2100}, {"bridge", 1700}});
  add(results, 10'000, 1, {{"nobody", 100, 1, 0}, {"xdpfwd", 3100, 1, 1}, {"bridge", 5100, 1, 1}});
  const std::vector<Aim> aims = aims_of(results);
  const Aim* over_ovs = find(aims, "xdpfwd / ovs-kernel, polls of 16");
  ASSERT_NE(over_ovs, nullptr);
  EXPECT_NEAR(over_ovs->measured->ratio, 0.4, 1e-9);  // at 10 kpps it is 0.2
  EXPECT_EQ(over_ovs->remark, "pps 20000, the worst of 2");
  EXPECT_EQ(verdict_on(*over_ovs), "missed");
  EXPECT_EQ(verdict_on(aims, "xdpfwd / bridge, polls of 16"), "reached");
  EXPECT_EQ(verdict_on(aims, "xdpfwd / bare-redirect, polls of 16"), "reached");
  EXPECT_EQ(verdict_on(aims, "xdpfwd, two VMs / one, polls of 16"), "reached");
  EXPECT_EQ(find(aims, "xdpfwd, two VMs / one, polls of 16")->remark, "pps 10000 (ovs-kernel 2.000)");
  EXPECT_EQ(verdict_on(aims, "xdpfwd / bridge, one frame a poll"), "missed");  // 0.6
  EXPECT_EQ(verdict_on(aims, "xdpfwd / ovs-kernel, one frame a poll"), "not measured");
  EXPECT_EQ(verdict_on(aims, "xdpfwd / ovs-kernel, the most NAPI takes"), "not measured");
}

TEST(BenchCostAims, AreNotReachedByWhatIsRefused) {
  ResultSet results = cost_results();
  add(results, 10'000, 16, {{"nobody", 100}, {"xdpfwd", 900}, {"ovs-kernel", 4100}});
  add(results, 20'000, 16, {{"nobody", 100}, {"xdpfwd", 900}, {"ovs-kernel", 4100, 1, 16, 20}});
  const std::vector<Aim> aims = aims_of(results);
  std::vector<Aim> rows;
  std::ranges::copy_if(aims, std::back_inserter(rows),
                       [](const Aim& aim) { return aim.what == "xdpfwd / ovs-kernel, polls of 16"; });
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(verdict_on(rows[0]), "reached");
  EXPECT_EQ(rows[0].remark, "pps 10000");
  EXPECT_EQ(verdict_on(rows[1]), "not measured");
  EXPECT_NE(rows[1].remark.find("lost 2.0 %"), std::string::npos) << rows[1].remark;
  // Nor are they in the table of ratios.
  const std::vector<Ratios> ratios = ratios_of(results, *find_scenario("cost-per-packet"));
  ASSERT_EQ(ratios.size(), 1U);
  EXPECT_EQ(ratios[0].point.at("pps"), 10'000);
}

TEST(BenchCostAims, OfAContenderThatDropsNothingIsRefused) {
  ResultSet results = cost_results();
  add(results, 10'000, 16, {{"nobody", 100, 1, 0, 1000}, {"xdp-drop", 500, 1, 16, 1000}});
  EXPECT_TRUE(find_scenario("cost-per-packet")->caveats(results).empty());
}

TEST(BenchCostAims, OfOverloadAreOfWhatIsDelivered) {
  constexpr const char* kOneCpu = "delivered in overload, xdpfwd / ovs-kernel, one CPU that also sends";
  ResultSet results = cost_results();
  EXPECT_EQ(verdict_on(aims_of(results), kOneCpu), "not measured");
  const Point at = {{"pps", 0}, {"vms", 1}, {"poll", 64}, {"cpus", 1}};
  results.samples = {{"xdpfwd", at, 1, {{"delivered_pps", 72'000}}},
                     {"ovs-kernel", at, 1, {{"delivered_pps", 32'000}}}};
  EXPECT_EQ(verdict_on(aims_of(results), kOneCpu), "missed");
  results.samples[1].metrics["delivered_pps"] = 28'000;
  EXPECT_EQ(verdict_on(aims_of(results), kOneCpu), "reached");
}

TEST(BenchAimsOfThroughput, AreAgainstTheBridgeThatThereIs) {
  ResultSet results{.scenario = "throughput", .header = {}};
  const auto add_to = [&](const char* contender, double mrr, double beside) {
    results.samples.push_back({contender,
                               {{"size", 64}, {"macs", 1}, {"members", 1}},
                               1,
                               {{"mrr_pps", mrr}, {"mrr_beside_victim_pps", beside}, {"pdr_pps", 1}}});
  };
  add_to("xdpfwd", 1'400, 1'600);
  add_to("bridge-pop", 600, 300);
  EXPECT_EQ(verdict_on(aims_of(results), "MRR, the CPU to itself, xdpfwd / bridge-pop"), "missed");
  EXPECT_EQ(verdict_on(aims_of(results), "MRR, beside a process, xdpfwd / bridge-pop"), "reached");
  EXPECT_EQ(verdict_on(aims_of(results), "PDR, 0.5 %, xdpfwd / bridge-pop"), "");
  add_to("bridge", 400, 600);
  EXPECT_EQ(verdict_on(aims_of(results), "MRR, the CPU to itself, xdpfwd / bridge"), "reached");
  EXPECT_EQ(verdict_on(aims_of(results), "MRR, beside a process, xdpfwd / bridge"), "missed");
}

TEST(BenchAimsOfSaturation, AreOfContendersThatAreSaturated) {
  const auto verdict = [](double ours, double our_busy, double their_busy) {
    const ResultSet results{
        .scenario = "saturation",
        .header = {},
        .samples = {{"xdpfwd", {}, 1, {{"forwarded_pps", ours}, {"busy_percent", our_busy}}},
                    {"ovs-kernel", {}, 1, {{"forwarded_pps", 1000}, {"busy_percent", their_busy}}}}};
    return verdict_on(aims_of(results), "saturation, xdpfwd / ovs-kernel");
  };
  EXPECT_EQ(verdict(3000, 99, 99), "reached");
  EXPECT_EQ(verdict(2000, 99, 99), "missed");
  EXPECT_EQ(verdict(3000, 99, 80), "not measured");
  EXPECT_EQ(verdict(3000, 80, 99), "reached");  // it can do more
  EXPECT_EQ(verdict(2000, 80, 99), "not measured");
}

TEST(BenchAimsBesideTestpmd, AreFiguresWithoutABound) {
  ResultSet ladder{.scenario = "softirq-ladder", .header = {}};
  for (const auto& [pps, lost] : {std::pair(10'000.0, 0.0), std::pair(500'000.0, 89.0)}) {
    const Point at = {{"pps", pps}, {"vms", 1}};
    ladder.samples.push_back({"xdpfwd", at, 1, {{"host_ns_per_packet", 100}, {"loss_percent", 0}}});
    ladder.samples.push_back({"testpmd", at, 1, {{"host_ns_per_packet", 1000}, {"loss_percent", lost}}});
  }
  const std::vector<Aim> aims = aims_of(ladder);
  ASSERT_EQ(aims.size(), 1U);
  EXPECT_FALSE(aims[0].bound);
  EXPECT_EQ(aims[0].remark, "pps 10000, vms 1");  // the rate that both can do
  const ResultSet idle{.scenario = "idle-cost",
                       .header = {},
                       .samples = {{"xdpfwd", {}, 1, {{"process_percent", 1}}},
                                   {"testpmd", {}, 1, {{"process_percent", 100}}}}};
  ASSERT_EQ(aims_of(idle).size(), 1U);
  EXPECT_NEAR(aims_of(idle)[0].measured->ratio, 0.01, 1e-9);
}

TEST(BenchAims, AreInTheSummary) {
  ResultSet results = cost_results();
  add(results, 10'000, 16, {{"nobody", 100}, {"xdpfwd", 900}, {"ovs-kernel", 4100}});
  const std::string text = summary_text(results, *find_scenario("cost-per-packet"));
  EXPECT_NE(text.find("xdpfwd / ovs-kernel, polls of 16"), std::string::npos) << text;
  EXPECT_NE(text.find("reached"), std::string::npos) << text;
}

}  // namespace
}  // namespace xdpfwd::bench

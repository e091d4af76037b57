// SPDX-License-Identifier: BSD-2-Clause
// --contender chooses in every scenario, or the scenario says that it cannot.
#include <gtest/gtest.h>

#include "bench/scenario.h"

namespace xdpfwd::bench {
namespace {

std::string complaint_of(const std::string& scenario, const std::vector<std::string>& chosen) {
  const ScenarioKind* kind = find_scenario(scenario);
  if (kind == nullptr) return "there is no such scenario";
  const auto checked = check_contenders(*kind, chosen);
  return checked ? "" : checked.error().text();
}

TEST(BenchContenders, AreThoseThatAScenarioCanHave) {
  EXPECT_EQ(complaint_of("cost-per-packet", {"xdpfwd", "ovs-kernel"}), "");
  EXPECT_EQ(complaint_of("failover", {"xdpfwd-bridge"}), "");
  EXPECT_EQ(complaint_of("saturation", {"tcx"}), "");
  EXPECT_EQ(complaint_of("throughput", {"bridge-pop"}), "");
  EXPECT_EQ(complaint_of("failover", {"bridge", "tcx"}),
            "failover has no contender 'tcx'; choose from: xdpfwd-bridge, bridge, ovs-kernel");
  EXPECT_EQ(complaint_of("cost-per-packet", {"xdp-drop"}), "");
  EXPECT_EQ(complaint_of("saturation", {"xdp-drop"}),
            "saturation has no contender 'xdp-drop'; choose from: xdpfwd, xdpfwd-bridge, tcx, bridge, "
            "ovs-kernel, bare-redirect");
  EXPECT_EQ(complaint_of("throughput", {"nosuch"}),
            "there is no contender 'nosuch'; 'xdpfwd-bench list' names them");
}

TEST(BenchContenders, AreRefusedWhereNoneAreCompared) {
  for (const char* scenario : {"tx-coalescing", "tap-qdisc", "tap-qdisc-lab", "micro", "floor", "scale"}) {
    EXPECT_EQ(complaint_of(scenario, {}), "");
    EXPECT_EQ(complaint_of(scenario, {"xdpfwd"}),
              std::string(scenario) +
                  " takes no --contender, as it compares none: 'xdpfwd'; run it without --contender");
  }
}

TEST(BenchContenders, AreChosenWithAnyNumberOfVms) {
  const std::vector<std::string> all = {"xdpfwd", "bridge", "ovs-kernel", "ovs-kernel:2", "xdpfwd:2"};
  EXPECT_EQ(chosen_of({}, all), all);
  EXPECT_EQ(chosen_of({.contenders = {"xdpfwd"}}, all), (std::vector<std::string>{"xdpfwd", "xdpfwd:2"}));
  EXPECT_EQ(chosen_of({.contenders = {"bridge"}}, all), std::vector<std::string>{"bridge"});
}

}  // namespace
}  // namespace xdpfwd::bench

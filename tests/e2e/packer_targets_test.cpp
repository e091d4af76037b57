// SPDX-License-Identifier: BSD-2-Clause
// What packing is to reach, by the commands that say so: simulated, so the same on every machine.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

nlohmann::json last_line_of(const std::string& command) {
  std::string text;
  EXPECT_EQ(run_status(command, &text), 0) << text;
  while (text.ends_with('\n')) text.pop_back();
  return nlohmann::json::parse(text.substr(text.rfind('\n') + 1), nullptr, false);
}

struct Target {
  const char* trace;
  double most_cpus_over_oracle;
  double most_overload_percent;
  double least_saved_percent;
};

TEST(PackerTargets, are_reached_for_128_queues_on_96_cpus) {
  // Of the crowd's trace the mean load is above 30 %.
  for (const Target& target :
       {Target{"steady", 1.15, 1, 60}, Target{"diurnal", 1.15, 1, 60}, Target{"flash-crowd", 1.15, 3, 50}}) {
    const auto line = last_line_of(
        fmt::format("{}/xdpfwd-bench napi-sim --trace {} --json", XDPFWD_BINARY_DIR, target.trace));
    ASSERT_TRUE(line.is_object());
    const auto& found = line.at("trace").at(target.trace);
    EXPECT_LE(found.at("cpus_over_oracle").get<double>(), target.most_cpus_over_oracle) << target.trace;
    EXPECT_LE(found.at("overload_percent").get<double>(), target.most_overload_percent) << target.trace;
    EXPECT_GE(found.at("cpus_saved_percent").get<double>(), target.least_saved_percent) << target.trace;
  }
}

TEST(PackerTargets, xdpctl_simulates_a_trace_too) {
  std::string text;
  ASSERT_EQ(
      run_status(fmt::format("{}/xdpctl napi pack --simulate steady --queues 8 --cpus 6", XDPFWD_BINARY_DIR),
                 &text),
      0)
      << text;
  EXPECT_NE(text.find("packer"), std::string::npos) << text;
  EXPECT_NE(text.find("oracle"), std::string::npos) << text;
}

TEST(PackerTargets, the_last_seeds_are_run_as_many_as_others_and_a_sign_is_refused) {
  const std::string bench =
      fmt::format("{}/xdpfwd-bench napi-sim --trace steady --queues 2 --cpus 2 --guests 2 --seconds 1 --json",
                  XDPFWD_BINARY_DIR);
  const auto line = last_line_of(bench + " --seed 18446744073709551615 --seeds 2");
  ASSERT_TRUE(line.contains("trace") && line["trace"].contains("steady")) << line.dump();
  EXPECT_EQ(line["trace"]["steady"]["seeds"].size(), 2U) << line.dump();
  std::string text;
  EXPECT_NE(run_status(bench + " --seed -1 2>&1", &text), 0);
  EXPECT_NE(text.find("--seed: -1 is no whole number"), std::string::npos) << text;
}

// As the daemon does by tuning.napi_target.
TEST(PackerTargets, cpus_are_relieved_five_percent_above_any_target) {
  for (const char* program : {"xdpctl napi pack --simulate", "xdpfwd-bench napi-sim --trace"}) {
    const auto told = [&](const char* more) {
      return last_line_of(fmt::format("{}/{} steady --queues 8 --cpus 6 --seconds 20 --json {}",
                                      XDPFWD_BINARY_DIR, program, more))
          .dump();
    };
    EXPECT_EQ(told("--target 60"), told("--target 60 --mark 65")) << program;
    EXPECT_NE(told("--target 60"), told("--target 60 --mark 95")) << program;
    EXPECT_EQ(told(""), told("--target 90 --mark 95")) << program;
  }
}

}  // namespace
}  // namespace xdpfwd::test

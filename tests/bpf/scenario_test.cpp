// SPDX-License-Identifier: BSD-2-Clause
// Runs the table of scenarios: in the kernel, in this process, and past the oracle.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "support/sandbox.h"
#include "tests/bpf/kernel_engine.h"
#include "tests/bpf/native_engine.h"
#include "tests/bpf/oracle.h"
#include "tests/bpf/scenarios.h"

namespace xdpfwd::test {
namespace {

std::string hex(const std::vector<uint8_t>& bytes) {
  std::string text = fmt::format("{} bytes:", bytes.size());
  for (size_t i = 0; i < bytes.size() && i < 48; ++i) text += fmt::format(" {:02x}", bytes[i]);
  return text;
}

std::vector<Input> inputs_of(const Scenario& scenario) {
  Input input{.frame = scenario.frame,
              .program = Program::kHint,
              .tag = scenario.tag,
              .first_buffer = scenario.first_buffer,
              .metadata = scenario.metadata};
  std::vector<Input> inputs{input};
  if (!scenario.tag) {
    input.program = Program::kFrame;
    inputs.push_back(input);
  }
  return inputs;
}

const std::vector<uint8_t>& expected_frame(const Scenario& scenario) {
  return scenario.slot ? scenario.delivered : scenario.frame;
}

// Runs what the engine can, and says how many scenarios that were.
size_t run_all(Engine& engine, const std::vector<Scenario>& table) {
  size_t run = 0;
  auto counters = engine.counters();
  EXPECT_TRUE(counters.has_value());
  if (!counters) return 0;
  Counters expected = *counters;
  for (const Scenario& scenario : table) {
    SCOPED_TRACE(scenario.name);
    if (auto done = engine.install(scenario.world); !done) {
      ADD_FAILURE() << done.error().text();
      return run;
    }
    bool ran = false;
    for (const Input& input : inputs_of(scenario)) {
      SCOPED_TRACE(input.program == Program::kHint ? "descriptor flavour" : "frame flavour");
      if (!engine.can_run(input)) continue;
      ran = true;
      Output output;
      if (auto done = engine.run(input, output); !done) {
        ADD_FAILURE() << done.error().text();
        continue;
      }
      EXPECT_EQ(output.verdict, scenario.verdict);
      EXPECT_EQ(hex(output.frame), hex(expected_frame(scenario)));
      EXPECT_TRUE(output.frame == expected_frame(scenario));
      ++expected.member.packets[scenario.reason];
      if (scenario.slot) {
        xdpfwd_port_stats& port = expected.ports[*scenario.slot];
        ++port.packets;
        port.bytes += scenario.delivered.size();
      }
      auto after = engine.counters();
      if (!after) {
        ADD_FAILURE() << after.error().text();
        return run;
      }
      for (uint32_t reason = 0; reason < XDPFWD_REASON_COUNT; ++reason) {
        EXPECT_EQ(after->member.packets[reason], expected.member.packets[reason]) << reason_name(reason);
      }
      EXPECT_TRUE(*after == expected) << "port counters differ";
      expected = *after;  // one wrong count is one failure
    }
    if (ran) ++run;
  }
  return run;
}

const std::vector<uint32_t> kSomeDevices = {1, 2};

TEST(ScenarioTable, CoversEveryReason) {
  std::set<uint32_t> reasons;
  for (const Scenario& scenario : scenarios(kSomeDevices)) reasons.insert(scenario.reason);
  for (uint32_t reason = 0; reason < XDPFWD_REASON_COUNT; ++reason) {
    if (reason == XDPFWD_REASON_RELEARN) continue;  // depends on what came before: relearn_test.cpp
    EXPECT_TRUE(reasons.contains(reason)) << "no scenario leaves by " << reason_name(reason);
  }
}

TEST(ScenarioTable, HasUniqueNames) {
  std::set<std::string> names;
  for (const Scenario& scenario : scenarios(kSomeDevices)) {
    EXPECT_TRUE(names.insert(scenario.name).second) << scenario.name;
  }
}

TEST(ScenarioTable, AgreesWithTheOracle) {
  for (const Scenario& scenario : scenarios(kSomeDevices)) {
    SCOPED_TRACE(scenario.name);
    for (const Input& input : inputs_of(scenario)) {
      const Prediction prediction = predict(scenario.world, input);
      EXPECT_EQ(prediction.verdict, scenario.verdict);
      EXPECT_STREQ(reason_name(prediction.reason), reason_name(scenario.reason));
      EXPECT_EQ(prediction.slot, scenario.slot);
      EXPECT_EQ(hex(prediction.frame), hex(expected_frame(scenario)));
    }
  }
}

TEST(UplinkInProcess, DoesWhatTheTableSays) {
  auto engine = NativeEngine::load();
  ASSERT_TRUE(engine.has_value()) << engine.error().text();
  const auto& table = scenarios(kSomeDevices);
  EXPECT_EQ(run_all(**engine, table), table.size());
}

TEST(UplinkInKernel, DoesWhatTheTableSays) {
  XDPFWD_NEEDS_ROOT();
  const UniqueFd tap = open_tap("tap0"), other = open_tap("tap1");
  auto engine = KernelEngine::load();
  ASSERT_TRUE(engine.has_value()) << engine.error().text();
  const auto& table = scenarios({ifindex_of("tap0"), ifindex_of("tap1")});
  const size_t run = run_all(**engine, table);
  fmt::print("{} of {} scenarios run in the kernel; its test run refuses the others\n", run, table.size());
  // Runts are below what the test run takes; older kernels take neither a split nor much metadata.
  EXPECT_GE(run, table.size() - 23);
}

}  // namespace
}  // namespace xdpfwd::test

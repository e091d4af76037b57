// SPDX-License-Identifier: BSD-2-Clause
// Random frames in random worlds: verdict and bytes of each frame, and the counters of each world, equal the
// oracle's. XDPFWD_RANDOM_FRAMES sets how many, XDPFWD_RANDOM_SEED which.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "support/sandbox.h"
#include "tests/bpf/kernel_engine.h"
#include "tests/bpf/native_engine.h"
#include "tests/bpf/oracle.h"
#include "tests/bpf/random_frames.h"
#include "tests/bpf/scenarios.h"

namespace xdpfwd::test {
namespace {

constexpr uint64_t kFramesPerWorld = 4096;
constexpr uint64_t kDefaultFrames = 1'000'000;

uint64_t environment_number(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

// What the failure's reader needs to see it again: everything.
std::string describe(const Input& input) {
  std::string text = fmt::format("{} flavour, {} bytes, {} of them in the first buffer, {} bytes of metadata",
                                 input.program == Program::kHint ? "descriptor" : "frame", input.frame.size(),
                                 input.linear(), input.metadata);
  if (input.tag) text += fmt::format(", descriptor tag {:#x}/{:#x}", input.tag->tpid, input.tag->tci);
  text += "\n ";
  for (size_t i = 0; i < input.frame.size() && i < 40; ++i) text += fmt::format(" {:02x}", input.frame[i]);
  return text;
}

void expect_same(const Counters& counted, const Counters& predicted) {
  for (uint32_t reason = 0; reason < XDPFWD_REASON_COUNT; ++reason) {
    EXPECT_EQ(counted.member.packets[reason], predicted.member.packets[reason]) << reason_name(reason);
  }
  for (const auto& [slot, stats] : predicted.ports) {
    const auto port = counted.ports.find(slot);
    if (port == counted.ports.end()) {
      ADD_FAILURE() << "slot " << slot << " counted nothing, not " << stats.packets;
      continue;
    }
    EXPECT_EQ(port->second.packets, stats.packets) << "slot " << slot;
    EXPECT_EQ(port->second.bytes, stats.bytes) << "slot " << slot;
  }
  EXPECT_EQ(counted.ports.size(), predicted.ports.size());
}

// Runs `frames` frames; stops at the first that differs.
void compare(Engine& engine, const std::vector<uint32_t>& devices, uint64_t frames, bool any_length) {
  const uint64_t seed = environment_number("XDPFWD_RANDOM_SEED", std::random_device{}());
  fmt::print("seed {}: XDPFWD_RANDOM_SEED={} XDPFWD_RANDOM_FRAMES={} repeats this\n", seed, seed, frames);
  RandomWorld random(seed, devices);
  Counters predicted;
  Prediction prediction;
  Output output;
  const auto start = std::chrono::steady_clock::now();
  uint64_t done = 0;
  while (done < frames) {
    const World& world = random.next_world();
    if (auto installed = engine.install(world); !installed) FAIL() << installed.error().text();
    for (uint64_t i = 0; i < kFramesPerWorld && done < frames; ++i) {
      const Input input = random.next_frame(any_length);
      if (!engine.can_run(input)) continue;
      predict(world, input, prediction);
      if (auto ran = engine.run(input, output); !ran) FAIL() << ran.error().text() << "\n" << describe(input);
      ++done;
      ASSERT_EQ(output.verdict, prediction.verdict)
          << "frame " << done << ", predicted " << reason_name(prediction.reason) << "\n"
          << describe(input);
      ASSERT_TRUE(output.frame == prediction.frame)
          << "frame " << done << ": the bytes differ, predicted " << reason_name(prediction.reason) << "\n"
          << describe(input);
      prediction.count(predicted);
    }
    auto counted = engine.counters();
    if (!counted) FAIL() << counted.error().text();
    expect_same(*counted, predicted);
    if (testing::Test::HasFailure()) return;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{} frames in {:.1f} s, {:.0f} a second\n", done, seconds, static_cast<double>(done) / seconds);

  uint64_t sum = 0;
  for (uint32_t reason = 0; reason < XDPFWD_REASON_COUNT; ++reason) {
    fmt::print("  {:<16}{:>10}\n", reason_name(reason), predicted.member.packets[reason]);
    sum += predicted.member.packets[reason];
    const bool needs_more_than_a_test_run = reason == XDPFWD_REASON_RUNT || reason == XDPFWD_REASON_NO_ROOM;
    if (reason == XDPFWD_REASON_RELEARN) {
      EXPECT_EQ(predicted.member.packets[reason], 0U);  // off in random worlds: relearn_test.cpp
    } else if (done >= 100'000 && (any_length || !needs_more_than_a_test_run)) {
      EXPECT_NE(predicted.member.packets[reason], 0U)
          << "random frames never leave by " << reason_name(reason);
    }
  }
  EXPECT_EQ(sum, done) << "frames in and the sum of reasons differ";
}

TEST(RandomFrames, InKernelEqualTheOracle) {
  XDPFWD_NEEDS_ROOT();
  std::vector<UniqueFd> taps;
  std::vector<uint32_t> devices;
  for (const char* name : {"tap0", "tap1", "tap2", "tap3"}) {
    taps.push_back(open_tap(name));
    devices.push_back(ifindex_of(name));
  }
  auto engine = KernelEngine::load();
  ASSERT_TRUE(engine.has_value()) << engine.error().text();
  compare(**engine, devices, environment_number("XDPFWD_RANDOM_FRAMES", kDefaultFrames), false);
}

TEST(RandomFrames, InProcessEqualTheOracle) {
  auto engine = NativeEngine::load();
  ASSERT_TRUE(engine.has_value()) << engine.error().text();
  compare(**engine, {1, 2, 3, 4}, environment_number("XDPFWD_RANDOM_FRAMES", kDefaultFrames), true);
}

}  // namespace
}  // namespace xdpfwd::test

// SPDX-License-Identifier: BSD-2-Clause
// One frame of each sender passes to the stack now and then, so that the bridge behind keeps knowing the
// sender. In this process with a clock of our own; in the kernel once, for the map and the helper.
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include "pktgen/packet.h"
#include "support/sandbox.h"
#include "tests/bpf/kernel_engine.h"
#include "tests/bpf/native_engine.h"

namespace xdpfwd::test {
namespace {

constexpr MacAddress kGuest = "52:54:00:00:00:01"_mac;
constexpr uint32_t kSlot = 3;
constexpr uint32_t kPeriod = 60;
constexpr uint64_t kSecond = 1'000'000'000;

World world_with(uint32_t ifindex, uint32_t relearn_s) {
  World world;
  for (const uint16_t vid : {uint16_t{100}, uint16_t{200}})
    world.rows[FdbKey::make(kGuest, VlanTag::from_abi(vid))] = {kSlot, 0};
  world.ports[kSlot] = {.ifindex = ifindex, .max_len = 1518, .relearn_s = relearn_s};
  world.devices.insert(ifindex);
  return world;
}

// A frame of the sender with this number.
std::vector<uint8_t> frame_from(uint32_t sender, uint16_t vid = 100) {
  return (Ethernet{.dst = kGuest, .src = MacAddress::from_bits(0x020000000000 + sender)} / Vlan{.vid = vid} /
          Payload::of_size(46))
      .bytes();
}

class Relearn : public testing::Test {
 protected:
  void SetUp() override {
    auto loaded = NativeEngine::load();
    ASSERT_TRUE(loaded) << loaded.error().text();
    engine_ = std::move(*loaded);
    engine_->clock.now_ns = 1000 * kSecond;
    install(kPeriod);
  }
  void install(uint32_t relearn_s) { ASSERT_TRUE(engine_->install(world_with(1, relearn_s))); }

  // True if the frame passed, and then as it came; false if it was forwarded.
  bool passes(uint32_t sender, uint16_t vid = 100) {
    const auto frame = frame_from(sender, vid);
    Output output;
    EXPECT_TRUE(engine_->run({.frame = frame}, output));
    if (output.verdict == XDP_PASS) {
      EXPECT_EQ(output.frame, frame);
      return true;
    }
    EXPECT_EQ(output.verdict, uint32_t{XDP_REDIRECT});
    EXPECT_EQ(output.frame.size(), frame.size() - 4);
    return false;
  }
  // How many of so many frames of the sender pass.
  uint32_t passed_of(uint32_t frames, uint32_t sender, uint16_t vid = 100) {
    uint32_t passed = 0;
    for (uint32_t i = 0; i < frames; ++i) passed += passes(sender, vid) ? 1 : 0;
    return passed;
  }

  std::unique_ptr<NativeEngine> engine_;
};

TEST_F(Relearn, PassesOneFrameOfASenderInAPeriod) {
  EXPECT_EQ(passed_of(100, 1), 1U);
  engine_->clock.now_ns += kPeriod * kSecond - 1;
  EXPECT_EQ(passed_of(100, 1), 0U);
  engine_->clock.now_ns += 1;
  EXPECT_EQ(passed_of(100, 1), 1U);
}

TEST_F(Relearn, KnowsASenderByItsVlanToo) {
  EXPECT_EQ(passed_of(100, 1, 100), 1U);
  EXPECT_EQ(passed_of(100, 1, 200), 1U);
}

TEST_F(Relearn, FindsSendersInAnyFixedRotation) {
  for (const uint32_t senders : {2U, 3U, 7U, 8U, 16U, 64U}) {
    engine_->clock.now_ns += kPeriod * kSecond;
    std::vector<uint32_t> passed(senders);
    for (uint32_t i = 0; i < 40 * senders; ++i) passed[i % senders] += passes(i % senders) ? 1 : 0;
    EXPECT_EQ(passed, std::vector<uint32_t>(senders, 1)) << senders << " senders";
  }
}

TEST_F(Relearn, LeavesSevenOfEightFramesOfInventedSendersOnTheFastPath) {
  uint32_t passed = 0;
  for (uint32_t i = 0; i < 8000; ++i) passed += passes(i) ? 1 : 0;
  EXPECT_NEAR(passed, 1000, 10);
}

TEST_F(Relearn, ForwardsWhenTheSenderCannotBeRemembered) {
  engine_->clock.table_is_full = true;
  EXPECT_EQ(passed_of(100, 1), 0U);
}

TEST_F(Relearn, IsOffWhereNoBridgeIsBehind) {
  install(0);
  EXPECT_EQ(passed_of(100, 1), 0U);
  EXPECT_TRUE(engine_->clock.senders.empty());
}

TEST_F(Relearn, IsCountedForMemberAndPort) {
  EXPECT_EQ(passed_of(100, 1), 1U);
  const auto counters = engine_->counters();
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->member.packets[XDPFWD_REASON_RELEARN], 1U);
  EXPECT_EQ(counters->member.packets[XDPFWD_REASON_FORWARDED], 99U);
  EXPECT_EQ(counters->ports.at(kSlot).relearned, 1U);
  EXPECT_EQ(counters->ports.at(kSlot).packets, 99U);
}

TEST(RelearnInKernel, PassesOneFrameOfEachSender) {
  XDPFWD_NEEDS_ROOT();
  const UniqueFd tap = open_tap("tap0");
  auto engine = KernelEngine::load();
  ASSERT_TRUE(engine) << engine.error().text();
  ASSERT_TRUE((*engine)->install(world_with(ifindex_of("tap0"), 3600)));
  std::vector<uint32_t> passed(4);
  for (uint32_t i = 0; i < 400; ++i) {
    const auto frame = frame_from(i % 4);
    Output output;
    ASSERT_TRUE((*engine)->run({.frame = frame}, output));
    passed[i % 4] += output.verdict == XDP_PASS ? 1 : 0;
  }
  // The test may be moved to another CPU, whose count of frames, not whose memory, is its own.
  EXPECT_EQ(passed, std::vector<uint32_t>(4, 1));
}

}  // namespace
}  // namespace xdpfwd::test

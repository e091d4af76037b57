// SPDX-License-Identifier: BSD-2-Clause
// What the kernel's packet generator is told, and how what it says is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "pktgen/kernel_sender.h"
#include "pktgen/scenario.h"

namespace xdpfwd::pktgen {
namespace {

using testing::Contains;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

StreamSet one_stream(uint16_t vid, size_t size = 64, size_t sources = 1) {
  Guest guest{.name = "vm", .tap = "tap0", .mac = MacAddress::from_bits(0x525400000001)};
  if (vid != 0) guest.vlan = *VlanTag::make(vid);
  return *StreamSet::of_guests(std::vector<Guest>{guest}, {.sizes = {size}, .sources = sources});
}

TEST(PktgenKernel, IsToldWhatToSend) {
  const auto commands = kernel_commands(one_stream(100), {.pps = 10'000, .count = 500, .burst = 4});
  ASSERT_TRUE(commands) << commands.error().text();
  for (const char* expected : {"count 500", "pkt_size 64", "dst_mac 52:54:00:00:00:01",
                               "src_mac 02:00:00:00:00:fe", "vlan_id 100", "burst 4", "clone_skb 0"})
    EXPECT_THAT(*commands, Contains(expected));
}

// It paces bursts: the rate of frames stays, whole number of bursts a second or not.
TEST(PktgenKernel, ABurstTakesTheTimeOfItsFrames) {
  for (const auto& [pps, burst, delay] :
       {std::tuple{10'000.0, 1U, "delay 100000"}, std::tuple{10'000.0, 4U, "delay 400000"},
        std::tuple{1000.0, 300U, "delay 300000000"}, std::tuple{3.0, 1U, "delay 333333333"},
        std::tuple{1.0, 8U, "delay 8000000000"}, std::tuple{0.0, 4U, "delay 0"}}) {
    const auto commands = kernel_commands(one_stream(100), {.pps = pps, .burst = burst});
    ASSERT_TRUE(commands) << commands.error().text();
    EXPECT_THAT(*commands, Contains(delay)) << pps << " " << burst;
    EXPECT_THAT(*commands, Not(Contains(StartsWith("ratep"))));
  }
  const auto refused = kernel_commands(one_stream(100), {.pps = 1, .burst = 11});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("11 s between two bursts"), std::string::npos);
}

TEST(PktgenKernel, WithoutRateCountOrTag) {
  const auto commands = kernel_commands(one_stream(0), {});
  ASSERT_TRUE(commands);
  EXPECT_THAT(*commands, Contains("count 0"));
  for (const std::string& command : *commands) {
    EXPECT_FALSE(command.starts_with("vlan_id"));
    EXPECT_FALSE(command.starts_with("ratep"));
    EXPECT_FALSE(command.starts_with("src_mac_count"));
  }
}

TEST(PktgenKernel, CountsItsSourcesUp) {
  const auto commands = kernel_commands(one_stream(100, 64, 3), {});
  ASSERT_TRUE(commands) << commands.error().text();
  for (const char* expected :
       {"src_mac 02:00:00:00:00:fe", "src_mac_count 3", "src_min 192.0.2.1", "src_max 192.0.2.3"})
    EXPECT_THAT(*commands, Contains(expected));
}

TEST(PktgenKernel, RefusesWhatItCannotDo) {
  EXPECT_FALSE(kernel_commands(one_stream(100), {.poisson = true}));
  EXPECT_FALSE(kernel_commands(one_stream(100), {.max_late = 10}));
  const std::vector<Guest> two = {{.name = "a", .tap = "t", .mac = MacAddress::from_bits(0x525400000001)},
                                  {.name = "b", .tap = "t", .mac = MacAddress::from_bits(0x525400000002)}};
  const auto refused = kernel_commands(*StreamSet::of_guests(two, {}), {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("2 streams"), std::string::npos);
}

TEST(PktgenKernel, IsToldOfEveryTag) {
  const auto commands_of = [](const char* guest, size_t size = 68) {
    return kernel_commands(*StreamSet::of_guests(std::vector<Guest>{*parse_guest(guest)}, {.sizes = {size}}),
                           {});
  };
  const auto priority = commands_of("mac=52:54:00:00:00:01,vlan=100,priority=5");
  ASSERT_TRUE(priority);
  EXPECT_THAT(*priority, IsSupersetOf({"vlan_id 100", "vlan_p 5"}));
  EXPECT_THAT(*commands_of("mac=52:54:00:00:00:01,priority=3"), IsSupersetOf({"vlan_id 0", "vlan_p 3"}));
  const auto two = commands_of("mac=52:54:00:00:00:01,vlan=100,priority=5,inner=7");
  ASSERT_TRUE(two);
  EXPECT_THAT(*two, IsSupersetOf({"vlan_id 7", "vlan_p 0", "svlan_id 100", "svlan_p 5"}));
  EXPECT_LT(std::ranges::find(*two, "vlan_id 7"), std::ranges::find(*two, "svlan_id 100"));
  const auto outer = commands_of("mac=52:54:00:00:00:01,vlan=ad:100,inner=7");
  ASSERT_FALSE(outer);
  EXPECT_NE(outer.error().text().find("802.1ad"), std::string::npos);
}

TEST(PktgenKernel, RefusesFramesThatItWouldMakeOtherwise) {
  const Guest guest = *parse_guest("mac=52:54:00:00:00:01,vlan=100");
  const auto refusal = [&](size_t size, bool one_byte) {
    const auto commands = kernel_commands(
        *StreamSet::of_guests(std::vector<Guest>{guest}, {.sizes = {size}, .one_byte_payload = one_byte}),
        {});
    return commands ? "none" : commands.error().text();
  };
  EXPECT_EQ(refusal(64, false), "none");
  EXPECT_EQ(refusal(62, false), "none");
  EXPECT_NE(refusal(61, false).find("61 bytes; choose 62 or more"), std::string::npos) << refusal(61, false);
  EXPECT_NE(refusal(64, true).find("a UDP payload that is shorter"), std::string::npos) << refusal(64, true);
}

// As Linux 6.12 writes it.
constexpr const char* kAfterARun = R"(Params: count 10000  min_pkt_size: 60  max_pkt_size: 60
     frags: 0  delay: 99968  clone_skb: 0  ifname: eth2
     flows: 0 flowlen: 0
Current:
     pkts-sofar: 10000  errors: 3
     started: 24350125us  stopped: 25350001us idle: 934102us
     seq_num: 10001  cur_dst_mac_offset: 0  cur_src_mac_offset: 0
Result: OK: 999876(c65774+d934102) usec, 10000 (60byte,0frags)
  10001pps 4Mb/sec (4800480bps) errors: 3
)";

TEST(PktgenKernel, SaysWhatItSent) {
  const auto counts = parse_kernel_counts(kAfterARun);
  ASSERT_TRUE(counts) << counts.error().text();
  EXPECT_EQ(counts->sent, 10'000U);
  EXPECT_EQ(counts->errors, 3U);
  EXPECT_NEAR(counts->seconds, 0.999876, 1e-9);
  EXPECT_FALSE(parse_kernel_counts("Result: Idle"));
}

}  // namespace
}  // namespace xdpfwd::pktgen

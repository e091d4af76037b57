// SPDX-License-Identifier: BSD-2-Clause
// What a person may write, and what they are told when it is wrong.
#include <gtest/gtest.h>

#include <algorithm>

#include "pktgen/scenario.h"

namespace xdpfwd::pktgen {
namespace {

TEST(PktgenScenario, SizesAreNumbersOrTheMix) {
  EXPECT_EQ(parse_size("128"), std::vector<size_t>{128});
  const auto mix = parse_size("imix");
  ASSERT_TRUE(mix);
  EXPECT_EQ(std::ranges::count(*mix, 60U), 7);
  EXPECT_EQ(std::ranges::count(*mix, 566U), 4);
  EXPECT_EQ(std::ranges::count(*mix, 1514U), 1);
  for (const char* wrong : {"", "12x", "-1", "mix"}) {
    const auto refused = parse_size(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_NE(refused.error().text().find("imix"), std::string::npos);
  }
}

TEST(PktgenScenario, ReadsEveryKey) {
  const auto scenario = parse_scenario(R"({
    "guests": [{"name": "web1", "tap": "tap1", "mac": "52:54:00:00:00:01", "vlan": 100},
               {"tap": "tap2", "mac": "52:54:00:00:00:02", "vlan": "ad:200", "inner": 7, "priority": 3, "trunk": true}],
    "members": [{"tx": "sw0", "rx": "up0"}, {"tx": "sw1", "rx": "up1"}],
    "tx_netns": "switch", "rx_netns": "host", "sizes": [64, 1514], "sources": 3, "pps": 1000.5, "count": 7, "duration": 2,
    "backend": "packet", "queue_length": 500, "control_frames": 3})",
                                       "s.json");
  ASSERT_TRUE(scenario) << scenario.error().text();
  ASSERT_EQ(scenario->guests.size(), 2U);
  EXPECT_EQ(scenario->guests[0].vlan.text(), "100");
  EXPECT_EQ(scenario->guests[1].name, "tap2");
  EXPECT_EQ(scenario->guests[1].vlan.text(), "ad:200");
  EXPECT_EQ(scenario->guests[1].inner_vid, 7);
  EXPECT_EQ(scenario->guests[1].priority, 3);
  EXPECT_TRUE(scenario->guests[1].keep_tag);
  EXPECT_EQ(scenario->rx_devices(), (std::vector<std::string>{"up0", "up1"}));
  EXPECT_EQ(scenario->sources, 3U);
  EXPECT_EQ(scenario->pps, 1000.5);
  EXPECT_EQ(scenario->count, 7U);
  EXPECT_EQ(scenario->backend, Backend::kPacket);
  EXPECT_EQ(scenario->queue_length, 500U);
}

TEST(PktgenScenario, ErrorsNameFilePlaceAndRemedy) {
  const auto error = [](std::string_view text) {
    const auto scenario = parse_scenario(text, "s.json");
    return scenario ? std::string("no error") : scenario.error().text();
  };
  EXPECT_NE(error("{\n\"guests\": [}").find("s.json:2"), std::string::npos) << error("{\n\"guests\": [}");
  EXPECT_NE(error(R"({"gests": []})").find("unknown key 'gests'; known are backend"), std::string::npos);
  EXPECT_NE(error(R"({"guests": [{"mac": "52:54"}]})").find("s.json: guests: guest 1: mac: '52:54'"),
            std::string::npos)
      << error(R"({"guests": [{"mac": "52:54"}]})");
  EXPECT_NE(error(R"({"guests": [{"vlan": 4095}]})").find("VLAN 4095"), std::string::npos);
  EXPECT_NE(error(R"({"guests": [{"vlan": -1}]})").find("vlan"), std::string::npos);
  EXPECT_NE(error(R"({"guests": [{"vlan": [1]}]})").find("vlan"), std::string::npos);
  EXPECT_NE(error(R"({"guests": 1})").find("a list is expected"), std::string::npos);
  EXPECT_NE(error(R"([1])").find("an object is expected"), std::string::npos);
  EXPECT_NE(error(R"({"pps": "fast"})").find("pps"), std::string::npos);
  EXPECT_NE(error(R"({"backend": "dpdk"})").find("'dpdk'"), std::string::npos);
  EXPECT_EQ(error(R"({"count": 1.7})"),
            "s.json: count: 1.7 is not a whole number from 1 to 1000000000000000");
  EXPECT_EQ(error(R"({"count": 0})"), "s.json: count: 0 is not a whole number from 1 to 1000000000000000");
  EXPECT_EQ(error(R"({"duration": 0})"), "s.json: duration: 0 is not a number from 1e-06 to 1000000000");
  EXPECT_EQ(error(R"({"queue_length": 5000000000})"),
            "s.json: queue_length: 5000000000 is not a whole number from 1 to 1048576");
  EXPECT_EQ(error(R"({"sources": 255})"), "s.json: sources: 255 is not a whole number from 1 to 254");
  EXPECT_EQ(error(R"({"control_frames": -1})"),
            "s.json: control_frames: -1 is not a whole number from 0 to 1000000000");
}

TEST(PktgenScenario, GuestFlags) {
  const auto guest =
      parse_guest("mac=52:54:00:00:00:01,vlan=100,tap=tap1,name=web1,inner=7,priority=3,trunk");
  ASSERT_TRUE(guest) << guest.error().text();
  EXPECT_EQ(guest->name, "web1");
  EXPECT_TRUE(guest->keep_tag);
  EXPECT_EQ(guest->inner_vid, 7);
  EXPECT_FALSE(parse_guest("mac=1"));
  EXPECT_FALSE(parse_guest("vlam=1"));
  EXPECT_FALSE(parse_guest("priority=8"));
  EXPECT_FALSE(parse_guest("tap=a/b"));
  EXPECT_EQ(parse_member("tx=a,rx=b")->rx, "b");
  EXPECT_FALSE(parse_member("tx=a,ry=b"));
}

TEST(PktgenScenario, GuestsMustBeTellableApart) {
  const Guest one = *parse_guest("mac=52:54:00:00:00:01,vlan=100,tap=tap1,name=one");
  Guest two = one;
  two.name = "two";
  EXPECT_TRUE(check_guests({one}, true));
  const auto twice = check_guests({one, two}, true);
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().text().find("guests 'one' and 'two' both have VLAN 100"), std::string::npos);
  two.vlan = *VlanTag::make(101);
  EXPECT_TRUE(check_guests({one, two}, true));
  EXPECT_FALSE(check_guests({}, false));
  EXPECT_FALSE(check_guests({*parse_guest("mac=01:00:5e:00:00:01,tap=t")}, true));
  EXPECT_FALSE(check_guests({*parse_guest("mac=52:54:00:00:00:01")}, true));
  EXPECT_TRUE(check_guests({*parse_guest("mac=52:54:00:00:00:01")}, false));
}

}  // namespace
}  // namespace xdpfwd::pktgen

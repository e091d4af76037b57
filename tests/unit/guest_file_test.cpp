// SPDX-License-Identifier: BSD-2-Clause
// The state file's text: what was written is read back, and anything less is refused.
#include "core/guest_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace xdpfwd {
namespace {

using testing::HasSubstr;

std::vector<Guest> some_guests() {
  Guest one;
  one.name = "vm1";
  one.tap = *InterfaceName::parse("tap1");
  one.macs = {*MacAddress::parse("52:54:00:00:00:01"), *MacAddress::parse("52:54:00:00:00:02")};
  one.vlans = {*VlanTag::make(100), VlanTag()};
  Guest two;
  two.name = "vm-\"ü\\";  // what JSON has to escape
  two.tap = *InterfaceName::parse("tap2");
  two.macs = {*MacAddress::parse("52:54:00:00:00:03")};
  two.vlans = {*VlanTag::make(4094, VlanTag::Tpid::k8021ad)};
  two.keep_tag = true;
  two.profile = Profile::kLatency;
  two.cpu = 3;
  return {one, two};
}

bool same(const std::vector<Guest>& a, const std::vector<Guest>& b) {
  return std::ranges::equal(a, b, [](const Guest& x, const Guest& y) { return x.same_as(y); });
}

TEST(GuestFile, what_is_written_is_read_back) {
  for (const auto& guests : {std::vector<Guest>{}, some_guests()}) {
    const auto read = read_guest_file(write_guest_file(guests));
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_TRUE(same(*read, guests));
  }
}

TEST(GuestFile, no_part_of_a_file_passes_for_the_file) {
  const std::string text = write_guest_file(some_guests());
  ASSERT_TRUE(text.ends_with("]}\n"));
  for (size_t size = 0; size + 1 < text.size(); ++size)
    EXPECT_FALSE(read_guest_file(std::string_view(text).substr(0, size))) << "cut at byte " << size;
}

TEST(GuestFile, one_wrong_byte_never_crashes_and_never_makes_a_bad_guest) {
  const std::string text = write_guest_file(some_guests());
  for (size_t at = 0; at < text.size(); ++at)
    for (const char wrong : {'\0', '\xff', '"', '{', ']', '9'}) {
      std::string broken = text;
      broken[at] = wrong;
      const auto read = read_guest_file(broken);
      if (read) {
        EXPECT_TRUE(check_guests(*read));
      } else {
        EXPECT_FALSE(read.error().message.empty());
      }
    }
}

TEST(GuestFile, says_what_is_wrong_and_where) {
  constexpr std::string_view kGood = R"({"name":"a","tap":"t","macs":["52:54:00:00:00:01"],"vlans":[1]})";
  for (
      const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
          {"", "not JSON, from byte"},
          {"[]", "must be an object, not an array"},
          {"{}", "version: is missing"},
          {R"({"version":2,"guests":[]})", "version 2 is not known"},
          {R"({"version":"1","guests":[]})", "version: must be an integer, not a string"},
          {R"({"version":1})", "guests: is missing"},
          {R"({"version":1,"guests":[],"x":1})", "x: is not known"},
          {R"({"version":1,"guests":[3]})", "guests[0] must be an object, not an integer"},
          {R"({"version":1,"guests":[{"tap":"t"}]})", "guests[0].name: is missing"},
          {R"({"version":1,"guests":[{"name":"a","tap":"t","macs":["ff:ff:ff:ff:ff:ff"],"vlans":[1]}]})",
           "guests[0].macs: ff:ff:ff:ff:ff:ff is a multicast"},
          {R"({"version":1,"guests":[{"name":"a","tap":"t","macs":["52:54:00:00:00:01"],"vlans":[4095]}]})",
           "guests[0].vlans: VLAN 4095"},
          {R"({"version":1,"guests":[{"name":"a","tap":"t","macs":["52:54:00:00:00:01"],"vlans":[18446744073709551615]}]})",
           "guests[0].vlans: VLAN 4095"},
          {R"({"version":1,"guests":[{"name":"a","tap":"t","macs":["52:54:00:00:00:01"],"vlans":[]}]})",
           "guests[0].vlans: is empty"},
          {R"({"version":1,"guests":[{"name":"a","tap":"t","macs":["52:54:00:00:00:01"],"vlans":[1],"mode":"acess"}]})",
           "guests[0].mode: mode cannot be 'acess'"},
          {std::string(R"({"version":1,"guests":[)") + std::string(kGood) + "," + std::string(kGood) + "]}",
           "the name is already taken"},
          {std::string(100'000, '['), "nests deeper than"},
      }) {
    const auto read = read_guest_file(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, HasSubstr(message)) << text.substr(0, 80);
  }
}

}  // namespace
}  // namespace xdpfwd

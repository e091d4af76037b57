// SPDX-License-Identifier: BSD-2-Clause
// From TOML to values: what is taken, and what each kind of mistake is answered with.
#include "core/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/config_pieces.h"
#include "core/intent.h"

namespace xdpfwd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

constexpr std::string_view kUplink = "[uplink]\ndevices = [\"bond0\"]\n";

Result<Config> parse(std::string_view text) {
  return parse_config({{"a.toml", std::string(text)}});
}
Result<Config> parse_guest(std::string_view lines) {
  return parse(fmt::format("{}[[guest]]\n{}", kUplink, lines));
}

MacAddress mac(std::string_view text) {
  return *MacAddress::parse(text);
}
VlanTag vlan(uint32_t id, VlanTag::Tpid tpid = VlanTag::Tpid::k8021q) {
  return *VlanTag::make(id, tpid);
}

TEST(Config, reads_every_setting) {
  const auto config = parse(R"(
[uplink]
devices = ["bond0", "eth7"]
vlan_tag = "hint"
xdp_mode = "generic"
reflected = "drop"
[fdb]
max_entries = 1_000
[daemon]
bpffs = "/b"
state_dir = "/s"
[control]
socket = "/c"
group = "kvm"
[log]
level = "debug"
)");
  ASSERT_TRUE(config) << config.error().text();
  const Settings& settings = config->settings;
  EXPECT_THAT(settings.devices, ElementsAre(*InterfaceName::parse("bond0"), *InterfaceName::parse("eth7")));
  EXPECT_EQ(settings.vlan_tag, VlanTagSource::kHint);
  EXPECT_EQ(settings.xdp_mode, XdpMode::kGeneric);
  EXPECT_TRUE(settings.drop_reflected);
  EXPECT_EQ(settings.max_entries, 1000U);
  EXPECT_EQ(settings.bpffs, "/b");
  EXPECT_EQ(settings.state_dir, "/s");
  EXPECT_EQ(settings.socket, "/c");
  EXPECT_EQ(settings.socket_group, "kvm");
  EXPECT_EQ(settings.log_level, "debug");
}

TEST(Config, reads_guests_of_every_form) {
  const auto config = parse(fmt::format(R"({}
[[guest]]
name = "vm1"
tap = "tap1"
mac = "52:54:00:00:00:01"
vlan = 100

[[guest]]
name = "vm2"
tap = "tap2"
mac = ["52:54:00:00:00:02", "52-54-00-00-00-03"]
vlan = [0, 200, 4094]
tpid = "802.1ad"
mode = "trunk"

[[guest]]
name = "vm3"
tap = "tap3"
mac = "52:54:00:00:00:04"
vlan = "untagged"
)",
                                        kUplink));
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_EQ(config->guests.size(), 3U);
  const Guest& first = config->guests[0];
  EXPECT_EQ(first.name, "vm1");
  EXPECT_EQ(first.tap.view(), "tap1");
  EXPECT_THAT(first.macs, ElementsAre(mac("52:54:00:00:00:01")));
  EXPECT_THAT(first.vlans, ElementsAre(vlan(100)));
  EXPECT_FALSE(first.keep_tag);
  EXPECT_EQ(first.where.text(), "a.toml:4:1");
  const Guest& second = config->guests[1];
  EXPECT_THAT(second.macs, ElementsAre(mac("52:54:00:00:00:02"), mac("52:54:00:00:00:03")));
  EXPECT_THAT(second.vlans,
              ElementsAre(VlanTag(), vlan(200, VlanTag::Tpid::k8021ad), vlan(4094, VlanTag::Tpid::k8021ad)));
  EXPECT_TRUE(second.keep_tag);
  EXPECT_THAT(config->guests[2].vlans, ElementsAre(VlanTag()));
}

TEST(Config, reads_what_tuning_is_wanted) {
  const auto config = parse(fmt::format(R"({}
[tuning]
apply = "auto"
on_stop = "revert"
profile = "throughput"
cpus = "8-9,2,9"
channels = "auto"
ring_rx = 256
adaptive_tx = "keep"
rx_usecs = 0
tx_usecs = "keep"
noqueue = "host"
[[guest]]
name = "vm1"
tap = "tap1"
mac = "52:54:00:00:00:01"
vlan = 100
profile = "none"
cpu = 0
)",
                                        kUplink));
  ASSERT_TRUE(config) << config.error().text();
  const TuningSettings& tuning = config->settings.tuning;
  EXPECT_EQ(tuning.apply, TuningApply::kAuto);
  EXPECT_TRUE(tuning.revert_on_stop);
  EXPECT_EQ(tuning.profile, Profile::kThroughput);
  EXPECT_EQ(tuning.cpus, (CpuWish{CpuWish::Kind::kGiven, {2, 8, 9}}));
  EXPECT_EQ(tuning.channels, (NumberWish{NumberWish::Kind::kAuto, 0}));
  EXPECT_EQ(tuning.ring_rx, (NumberWish{NumberWish::Kind::kGiven, 256}));
  EXPECT_EQ(tuning.ring_tx, (NumberWish{NumberWish::Kind::kKeep, 0}));
  EXPECT_EQ(tuning.adaptive_rx, Switch::kAuto);
  EXPECT_EQ(tuning.adaptive_tx, Switch::kKeep);
  EXPECT_EQ(tuning.rx_usecs, (NumberWish{NumberWish::Kind::kGiven, 0}));
  EXPECT_EQ(tuning.tx_usecs, (NumberWish{NumberWish::Kind::kKeep, 0}));
  EXPECT_EQ(tuning.noqueue, NoQueue::kHost);
  EXPECT_EQ(config->guests[0].profile, Profile::kNone);
  EXPECT_EQ(config->guests[0].cpu, 0U);
}

TEST(Config, a_list_of_cpus_that_is_none_is_refused) {
  for (const std::string_view list : {"3-1", "1,", "1,,2", "1-", "0x1", "1 2", "16384", "0-99999999999"}) {
    const auto config = parse(fmt::format("{}[tuning]\ncpus = '{}'\n", kUplink, list));
    ASSERT_FALSE(config) << list;
    EXPECT_THAT(config.error().message, StartsWith("a.toml:4:8: tuning.cpus: "));
    EXPECT_THAT(config.error().remedy, HasSubstr("0-3,8"));
  }
}

TEST(Config, a_later_file_replaces_settings_and_adds_guests) {
  const std::string guest = "[[guest]]\nname='{0}'\ntap='{0}'\nmac='52:54:00:00:00:0{1}'\nvlan=1\n";
  const auto config = parse_config({
      {"a.toml", fmt::format("{}vlan_tag='hint'\n[fdb]\nmax_entries=10\n{}", kUplink,
                             fmt::format(fmt::runtime(guest), "vm1", 1))},
      {"b.toml", "[uplink]\nvlan_tag='frame'\n"},
      {"c.toml", fmt::format("uplink.devices=['eth0']\n{}", fmt::format(fmt::runtime(guest), "vm2", 2))},
  });
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->settings.vlan_tag, VlanTagSource::kFrame);
  EXPECT_EQ(config->settings.max_entries, 10U);
  EXPECT_THAT(config->settings.devices, ElementsAre(*InterfaceName::parse("eth0")));
  ASSERT_EQ(config->guests.size(), 2U);
  EXPECT_EQ(config->guests[1].where.file, "c.toml");
}

struct Mistake {
  std::string_view what;
  std::string_view lines;  // after [[guest]], or the whole file when it begins with '['
  std::string_view place;
  std::string_view message;
  std::string_view remedy;
};

class EveryMistake : public testing::TestWithParam<Mistake> {};

TEST_P(EveryMistake, is_answered_with_thing_place_and_remedy) {
  const Mistake& mistake = GetParam();
  const auto config = mistake.lines.starts_with('[') || mistake.lines.starts_with('!')
                          ? parse(mistake.lines.substr(mistake.lines.starts_with('!') ? 1 : 0))
                          : parse_guest(mistake.lines);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, StartsWith(mistake.place));
  EXPECT_THAT(config.error().message, HasSubstr(std::string(mistake.message)));
  EXPECT_THAT(config.error().remedy, HasSubstr(std::string(mistake.remedy)));
}

constexpr std::string_view kRest = "name='vm1'\ntap='tap1'\nmac='52:54:00:00:00:01'\n";

INSTANTIATE_TEST_SUITE_P(
    Config, EveryMistake,
    testing::Values(
        Mistake{"not_toml", "[uplink\n", "a.toml:1:", "not TOML", ""},
        Mistake{"table_without_name", "[log]\nlevel='info'\n [[ =]]\n", "a.toml:3:5:", "expected bare key",
                ""},
        Mistake{"table_without_end", "[\n", "a.toml:1:2:", "expected bare key", ""},
        Mistake{"letter_outside_quotes", "[log] # \xc3\xa9\nlevel='info'\n\xef\xbb\xbd's\n",
                "a.toml:3:1:", "ASCII", "between double quotes"},
        Mistake{"quote_inside_a_word", "[log]\nlevel = 55'w\xCA\x8D\n", "a.toml:2:13:", "ASCII",
                "double quotes"},
        Mistake{"not_ascii_after_escapes", "[log]\nlevel = \"\\\\\"\xCA\x8D # x\n", "a.toml:2:13:", "ASCII",
                ""},
        Mistake{"string_over_lines", "[log]\nlevel = \"\"\"\ninfo\"\"\"\n",
                "a.toml:2:9:", "over several lines", "on one line"},
        Mistake{"value_that_is_an_end", "[uplink]\ndevices = [}\n", "a.toml:2:", "not TOML", ""},
        Mistake{"key_twice", "[fdb]\nmax_entries=1\nmax_entries=2\n", "a.toml:3:", "not TOML", ""},
        Mistake{"not_utf8", "[log]\nlevel='\xff'\n", "a.toml:2:8:", "ASCII", ""},
        Mistake{"not_utf8_in_a_comment", "[log]\nlevel='info' # \xff\n", "a.toml:2:", "not TOML", ""},
        Mistake{"unknown_section", "[uplnk]\ndevices=['a']\n", "a.toml:1:2", "unknown section or key 'uplnk'",
                "did you mean 'uplink'?"},
        Mistake{"unknown_section_unlike_any", "[zzzzzzz]\n", "a.toml:1:2", "'zzzzzzz'",
                "known sections: uplink, fdb, daemon, control, log, tuning, guest"},
        Mistake{"unknown_key", "[uplink]\ndevices=['a']\nvlantag='hint'\n", "a.toml:3:1",
                "unknown key 'vlantag' in [uplink]", "did you mean 'vlan_tag'?"},
        Mistake{"unknown_guest_key", "name='vm1'\nvlam=1\n", "a.toml:5:1", "unknown key 'vlam' in [[guest]]",
                "did you mean 'vlan'?"},
        Mistake{"section_is_no_table", "!uplink = 3\n", "a.toml:1:10",
                "'uplink' must be a table, not an integer", "[uplink]"},
        Mistake{"guest_is_no_array", "[guest]\nname='a'\n", "a.toml:1:1", "must be an array of tables",
                "[[guest]]"},
        Mistake{"guest_is_array_of_text", "!guest = ['vm1']\n", "a.toml:1:10", "a guest must be a table",
                "[[guest]]"},
        Mistake{"devices_is_text", "[uplink]\ndevices='bond0'\n", "a.toml:2:9", "must be an array",
                "devices = [\"bond0\"]"},
        Mistake{"devices_empty", "[uplink]\ndevices=[]\n", "a.toml:2:9", "empty array",
                "devices = [\"bond0\"]"},
        Mistake{"device_twice", "[uplink]\ndevices=['a','a']\n", "a.toml:2:14", "'a' is given twice", "once"},
        Mistake{"device_name_too_long", "[uplink]\ndevices=['abcdefghijklmnop']\n", "a.toml:2:10",
                "at most 15 characters", "ip link"},
        Mistake{"missing_devices", "[fdb]\nmax_entries=5\n", "a.toml: ", "uplink.devices is not set",
                "under [uplink]: devices = [\"bond0\"]"},
        Mistake{"relative_path", "[control]\nsocket='x.sock'\n", "a.toml:2:8", "not an absolute path", "'/'"},
        Mistake{"empty_path", "[daemon]\nbpffs=''\n", "a.toml:2:7", "has 0 bytes", ""},
        Mistake{"no_name", "tap='t'\nmac='52:54:00:00:00:01'\nvlan=1\n", "a.toml:3:1", "guest has no 'name'",
                "name = \"vm1\""},
        Mistake{"no_tap", "name='vm1'\nmac='52:54:00:00:00:01'\nvlan=1\n", "a.toml:3:1",
                "guest 'vm1' has no 'tap'", "tap = \"tap1\""},
        Mistake{"no_mac", "name='vm1'\ntap='t'\nvlan=1\n", "a.toml:3:1", "guest 'vm1' has no 'mac'",
                "mac = "},
        Mistake{"no_vlan", "name='vm1'\ntap='t'\nmac='52:54:00:00:00:01'\n", "a.toml:3:1",
                "guest 'vm1' has no 'vlan'", "vlan = "},
        Mistake{"name_with_space", "name='vm 1'\n", "a.toml:4:6", "'vm 1' is not a guest name",
                "without spaces"},
        Mistake{"name_like_an_option", "name='-x'\n", "a.toml:4:6", "starts with '-'", ""},
        Mistake{"tap_name", "name='vm1'\ntap='a/b'\n", "a.toml:5:5", "'a/b' is not an interface name",
                "ip link"},
        Mistake{"mac_text", "name='vm1'\ntap='t'\nvlan=1\nmac='52:54'\n", "a.toml:7:5",
                "guest 'vm1': '52:54' is not a MAC address", "six pairs"},
        Mistake{"mac_multicast", "name='vm1'\ntap='t'\nvlan=1\nmac='01:00:5e:00:00:01'\n", "a.toml:7:5",
                "01:00:5e:00:00:01 is a multicast", "guest's own MAC"},
        Mistake{"mac_broadcast", "name='vm1'\ntap='t'\nvlan=1\nmac=['ff:ff:ff:ff:ff:ff']\n", "a.toml:7:6",
                "multicast or broadcast", "guest's own MAC"},
        Mistake{"mac_zero", "name='vm1'\ntap='t'\nvlan=1\nmac='00:00:00:00:00:00'\n", "a.toml:7:5",
                "nobody's MAC", "guest's own MAC"},
        Mistake{"mac_number", "name='vm1'\ntap='t'\nvlan=1\nmac=5\n", "a.toml:7:5",
                "guest.mac must be a MAC address", "mac = "},
        Mistake{"mac_empty", "name='vm1'\ntap='t'\nvlan=1\nmac=[]\n", "a.toml:7:5", "empty array", "mac = "},
        Mistake{"vlan_4095", "name='vm1'\ntap='tap1'\nmac='52:54:00:00:00:01'\nvlan=4095\n", "a.toml:7:6",
                "guest 'vm1': VLAN 4095 does not exist", "4095 is reserved"},
        Mistake{"vlan_negative", "name='vm1'\ntap='tap1'\nmac='52:54:00:00:00:01'\nvlan=-1\n", "a.toml:7:6",
                "VLAN -1", "1 to 4094"},
        Mistake{"vlan_wraps_at_2_to_32", "name='vm1'\ntap='tap1'\nmac='52:54:00:00:00:01'\nvlan=4294967396\n",
                "a.toml:7:6", "VLAN 4294967396", "1 to 4094"},
        Mistake{"vlan_text", "name='vm1'\ntap='tap1'\nmac='52:54:00:00:00:01'\nvlan='100'\n", "a.toml:7:6",
                "vlan cannot be \"100\"", "without quotes"},
        Mistake{"vlan_in_array", "name='vm1'\ntap='tap1'\nmac='52:54:00:00:00:01'\nvlan=[1,4095]\n",
                "a.toml:7:9", "VLAN 4095", "reserved"},
        Mistake{"vlan_nested", "name='vm1'\ntap='tap1'\nmac='52:54:00:00:00:01'\nvlan=[[1]]\n", "a.toml:7:7",
                "not an array", "vlan = "},
        Mistake{"pair_twice_in_one_guest", "name='vm1'\ntap='tap1'\nmac='52:54:00:00:00:01'\nvlan=[7,7]\n",
                "a.toml:3:1", "VLAN 7, MAC 52:54:00:00:00:01 is given twice", "once"}),
    [](const auto& param_info) { return std::string(param_info.param.what); });

TEST(Config, duplicates_across_files_name_both_places) {
  const std::string guest = "\n[[guest]]\nname='{}'\ntap='t'\nmac='52:54:00:00:00:01'\nvlan={}\n";
  const auto pair =
      parse_config({{"a.toml", std::string(kUplink) + fmt::format(fmt::runtime(guest), "vm1", 100)},
                    {"d/b.toml", fmt::format(fmt::runtime(guest), "vm2", "[5, 100]")}});
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().message,
            "d/b.toml:2:1: guest 'vm2': VLAN 100, MAC 52:54:00:00:00:01 already belongs to guest 'vm1' at "
            "a.toml:4:1");
  EXPECT_THAT(pair.error().remedy, HasSubstr("one tap only"));

  const auto name =
      parse_config({{"a.toml", std::string(kUplink) + fmt::format(fmt::runtime(guest), "vm1", 100)},
                    {"d/b.toml", fmt::format(fmt::runtime(guest), "vm1", 5)}});
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().message,
            "d/b.toml:2:1: guest 'vm1': the name is already taken by the guest at a.toml:4:1");
}

TEST(Config, the_same_mac_on_another_vlan_or_tag_kind_is_another_pair) {
  const std::string guest = "\n[[guest]]\nname='{}'\ntap='t'\nmac='52:54:00:00:00:01'\nvlan={}\ntpid='{}'\n";
  const auto config = parse(std::string(kUplink) + fmt::format(fmt::runtime(guest), "vm1", 100, "802.1q") +
                            fmt::format(fmt::runtime(guest), "vm2", 100, "802.1ad") +
                            fmt::format(fmt::runtime(guest), "vm3", 0, "802.1q"));
  EXPECT_TRUE(config) << config.error().text();
  // Untagged is one VLAN, whatever kind of tag it does not have.
  const auto twice = parse(std::string(kUplink) + fmt::format(fmt::runtime(guest), "vm1", 0, "802.1q") +
                           fmt::format(fmt::runtime(guest), "vm2", "'untagged'", "802.1ad"));
  EXPECT_FALSE(twice);
}

// Large texts are parsed in pieces; nobody may notice.
std::string many_guests(unsigned count) {
  std::string text(kUplink);
  for (unsigned i = 0; i < count; ++i)
    text += fmt::format("\n[[guest]]\nname = \"vm{0}\"\ntap = \"tap{1}\"\nmac = \"{2}\"\nvlan = {3}\n", i,
                        i % 4096, MacAddress::from_bits(0x525400000000 + i).text(), i % 4094 + 1);
  return text;
}

TEST(Config, pieces_are_the_text_and_lines_are_counted_through) {
  const std::string text = many_guests(5000);
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{10'000}, text.size() + 1}) {
    std::string together;
    std::ptrdiff_t lines = 0;
    for (const ConfigPiece& piece : cut_config(text, bytes)) {
      EXPECT_EQ(lines, piece.lines_before);
      lines += std::ranges::count(piece.text, '\n');
      together += piece.text;
    }
    EXPECT_EQ(together, text);
  }
  ASSERT_GT(cut_config(text).size(), 3U);
  const auto config = parse(text);
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_EQ(config->guests.size(), 5000U);
  for (uint32_t i = 0; i < 5000; ++i)
    EXPECT_EQ(config->guests[i].where.text(), fmt::format("a.toml:{}:1", 4 + 6 * i));
}

TEST(Config, mistakes_far_down_a_large_file_are_found_at_their_place) {
  const std::string text = many_guests(5000);
  const auto typo = parse(text + "vlam = 5\n");
  ASSERT_FALSE(typo);
  EXPECT_THAT(typo.error().message, StartsWith("a.toml:30003:1: unknown key 'vlam'"));
  const auto section = parse(text + "[uplink]\n");
  ASSERT_FALSE(section);
  EXPECT_THAT(section.error().message, StartsWith("a.toml:30003:1: [uplink] is given a second time"));
  // The same, in one piece, is the TOML parser's to refuse.
  EXPECT_FALSE(parse(many_guests(5) + "[uplink]\n"));
  const auto open = parse(text + "[[guest]]\nvlan = [1,\n");
  ASSERT_FALSE(open);
  EXPECT_THAT(open.error().message, HasSubstr("not TOML"));
  const auto within = parse(text + "[[guest]]\nname = \"\"\"a\n[[guest]]\nb\"\"\"\n");
  ASSERT_FALSE(within);
  EXPECT_THAT(within.error().message, HasSubstr("a.toml:30004:8: a string over several lines"));
}

TEST(Config, a_small_text_for_billions_of_rows_is_refused_before_they_are_made) {
  Guest guest;
  guest.name = "vm1";
  for (uint64_t i = 0; i < 100'000; ++i) guest.macs.push_back(MacAddress::from_bits(0x525400000000 + i));
  for (uint32_t id = 0; id <= VlanTag::kMaxId; ++id) guest.vlans.push_back(vlan(id));
  const auto checked = check_guests({guest});
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("guest 'vm1'"));
  EXPECT_THAT(checked.error().message, HasSubstr("16777216 rows"));
}

TEST(Config, guests_added_over_the_socket_are_named_as_such) {
  Guest guest;
  guest.name = "vm1";
  guest.macs = {mac("52:54:00:00:00:01")};
  guest.vlans = {VlanTag()};
  Guest other = guest;
  other.where = {"a.toml", 7, 1};
  EXPECT_THAT(check_guests({guest, guest}).error().message,
              HasSubstr("the guest that was added over the control socket"));
  const auto checked = check_guests({other, guest});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message, "guest 'vm1': the name is already taken by the guest at a.toml:7:1");
}

TEST(Config, a_setting_says_where_it_was_written_last) {
  const auto config =
      parse_config({{"a.toml", "[uplink]\ndevices = [\"bond0\"]\n[control]\ngroup = \"one\"\n"},
                    {"b.toml", "\n[control]\n  group = \"two\"\n"}});
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->settings.socket_group, "two");
  EXPECT_EQ(config->places.at("control.group").text(), "b.toml:3:11");
  EXPECT_EQ(config->places.at("uplink.devices").text(), "a.toml:2:11");
  EXPECT_FALSE(config->places.contains("fdb.max_entries"));
}

TEST(Config, a_guest_on_an_uplink_is_refused) {
  const auto config = parse(
      many_guests(3) + "[[guest]]\nname = \"x\"\ntap = \"bond0\"\nmac = \"52:54:00:00:aa:01\"\nvlan = 7\n");
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_TRUE(make_intent(config->settings, {config->guests.begin(), config->guests.end() - 1}));
  const auto intent = make_intent(config->settings, config->guests);
  ASSERT_FALSE(intent);
  EXPECT_THAT(intent.error().message,
              MatchesRegex("a.toml:[0-9]+:1: guest 'x': its tap bond0 is one of uplink.devices"));
  EXPECT_THAT(intent.error().remedy, HasSubstr("uplink.devices"));
}

// How long it takes is told by `xdpfwd-bench scale`.
TEST(Config, a_hundred_thousand_guests) {
  const auto config = parse(many_guests(100'000));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->guests.size(), 100'000U);
}

}  // namespace
}  // namespace xdpfwd

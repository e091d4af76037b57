// SPDX-License-Identifier: BSD-2-Clause
// The option table is complete: every field of Settings has a row, every row is parsed, documented and true.
#include "core/options.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "core/config.h"

namespace xdpfwd {
namespace {

// A file that gives just this option, and what else a file must have.
std::string file_with(const Option& option, std::string_view value) {
  std::string text;
  if (option.path() != "uplink.devices") text += "uplink.devices = [\"eth0\"]\n";
  if (!option.of_guest()) return text + fmt::format("{}.{} = {}\n", option.section, option.key, value);
  text += "[[guest]]\n";
  const std::pair<std::string_view, std::string_view> base[] = {
      {"name", "\"vm1\""}, {"tap", "\"tap1\""}, {"mac", "\"52:54:00:00:00:01\""}, {"vlan", "100"}};
  for (const auto& [key, given] : base)
    if (key != option.key) text += fmt::format("{} = {}\n", key, given);
  return text + fmt::format("{} = {}\n", option.key, value);
}

Result<Config> parse(std::string text) {
  return parse_config({{"test.toml", std::move(text)}});
}

std::string example_value(const Option& option) {
  const std::string_view text = option.example;
  return std::string(text.substr(text.find(" = ") + 3));
}

class EveryOption : public testing::TestWithParam<const Option*> {};

TEST_P(EveryOption, is_documented) {
  const Option& option = *GetParam();
  EXPECT_FALSE(option.help.empty());
  EXPECT_LE(option.help.size(), 90U);
  EXPECT_FALSE(option.help.ends_with('.'));
  EXPECT_TRUE(option.explanation.ends_with('.')) << option.explanation;
  EXPECT_FALSE(type_text(option).empty());
  EXPECT_TRUE(option.example.starts_with(fmt::format("{} = ", option.key))) << option.example;
  const bool has_choices = option.type == OptionType::kChoice || option.type == OptionType::kNumberOrChoice ||
                           option.type == OptionType::kCpus;
  EXPECT_EQ(has_choices, !option.choices.empty());
  if (option.type == OptionType::kInteger) {
    EXPECT_LT(option.min, option.max);
  }
  EXPECT_EQ(find_option(option.path()), &option);
}

TEST_P(EveryOption, is_parsed_as_its_example_shows) {
  const Option& option = *GetParam();
  const auto config = parse(file_with(option, example_value(option)));
  ASSERT_TRUE(config) << config.error().text();
  if (option.of_guest() || option.path() == "uplink.devices") return;
  // An example that shows the default would show nothing.
  const auto plain = parse("uplink.devices = [\"eth0\"]\n");
  ASSERT_TRUE(plain);
  EXPECT_NE(config->settings, plain->settings) << option.path() << " does not reach Settings";
}

TEST_P(EveryOption, has_the_default_that_the_table_says) {
  const Option& option = *GetParam();
  if (option.required()) return;
  const auto given = parse(file_with(option, option.default_text));
  ASSERT_TRUE(given) << given.error().text();
  if (option.of_guest()) {
    const auto absent = parse(
        "uplink.devices=[\"eth0\"]\n[[guest]]\nname='vm1'\ntap='tap1'\n"
        "mac='52:54:00:00:00:01'\nvlan=100\n");
    ASSERT_TRUE(absent);
    EXPECT_TRUE(given->guests[0].same_as(absent->guests[0]));
    return;
  }
  Settings defaults;
  defaults.devices = given->settings.devices;
  EXPECT_EQ(given->settings, defaults);
}

TEST_P(EveryOption, refuses_a_wrong_type_with_place_and_remedy) {
  const Option& option = *GetParam();
  for (const std::string_view wrong : {"true", "1.5", "1979-05-27", "{a = 1}"}) {
    const auto config = parse(file_with(option, wrong));
    ASSERT_FALSE(config) << option.path() << " took " << wrong;
    EXPECT_TRUE(config.error().message.starts_with("test.toml:")) << config.error().text();
    EXPECT_NE(config.error().message.find(option.path()), std::string::npos) << config.error().text();
    EXPECT_FALSE(config.error().remedy.empty());
  }
}

TEST_P(EveryOption, every_choice_is_taken_and_others_are_not) {
  const Option& option = *GetParam();
  if (option.choices.empty()) return;
  std::set<std::string> seen;
  for (const std::string_view choice : option.choices) {
    const auto config = parse(file_with(option, fmt::format("\"{}\"", choice)));
    ASSERT_TRUE(config) << config.error().text();
  }
  // A slip of the last letter is answered with the word that was meant.
  std::string slip(option.choices.back());
  slip.back() = '_';
  const auto config = parse(file_with(option, fmt::format("\"{}\"", slip)));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().remedy, fmt::format("did you mean '{}'?", option.choices.back()));
}

TEST_P(EveryOption, range_ends_are_taken_and_what_is_beyond_is_not) {
  const Option& option = *GetParam();
  if (option.type != OptionType::kInteger && option.type != OptionType::kNumberOrChoice) return;
  EXPECT_TRUE(parse(file_with(option, fmt::format("{}", option.min))));
  EXPECT_TRUE(parse(file_with(option, fmt::format("{}", option.max))));
  for (const std::string& beyond :
       {fmt::format("{}", option.min - 1), fmt::format("{}", option.max + 1),
        std::string("9223372036854775807"), std::string("-9223372036854775808")}) {
    const auto config = parse(file_with(option, beyond));
    ASSERT_FALSE(config) << beyond;
    EXPECT_NE(config.error().message.find(beyond), std::string::npos) << config.error().text();
    EXPECT_EQ(config.error().remedy, fmt::format("write {} to {}", option.min, option.max));
  }
}

std::vector<const Option*> all() {
  std::vector<const Option*> rows;
  for (const Option& option : options()) rows.push_back(&option);
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Options, EveryOption, testing::ValuesIn(all()), [](const auto& param_info) {
  return fmt::format("{}_{}", param_info.param->section, param_info.param->key);
});

TEST(Options, every_field_of_settings_has_a_row) {
  // The names are listed by the compiler's help: a field more or less does not compile, and comes here.
  const Settings settings;
  const auto& [devices, vlan_tag, xdp_mode, drop_reflected, promisc, relearn_s, max_entries, bpffs, state_dir,
               socket, socket_group, log_level, tuning] = settings;
  static_cast<void>(std::tie(devices, vlan_tag, xdp_mode, drop_reflected, promisc, relearn_s, max_entries,
                             bpffs, state_dir, socket, socket_group, log_level, tuning));
  const auto& [apply, revert_on_stop, profile, steering, cpus, ban_irqbalance, channels, ring_rx, ring_tx,
               adaptive_rx, adaptive_tx, rx_usecs, rx_frames, tx_usecs, tx_frames, force, rps_off, xps_off,
               lro_off, noqueue, napi, napi_usecs, napi_polls, napi_idle_ms, napi_target, napi_thread] =
      tuning;
  static_cast<void>(std::tie(apply, revert_on_stop, profile, steering, cpus, ban_irqbalance, channels,
                             ring_rx, ring_tx, adaptive_rx, adaptive_tx, rx_usecs, rx_frames, tx_usecs,
                             tx_frames, force, rps_off, xps_off, lro_off, noqueue, napi, napi_usecs,
                             napi_polls, napi_idle_ms, napi_target, napi_thread));
  constexpr size_t kFields = 11 + 1 + 26;
  size_t rows = 0;
  for (const Option& option : options()) rows += option.of_guest() ? 0 : 1;
  EXPECT_EQ(rows, kFields);
}

TEST(Options, no_two_rows_are_the_same_and_every_section_exists) {
  std::set<std::string> paths;
  const auto names = section_names();
  for (const Option& option : options()) {
    EXPECT_TRUE(paths.insert(option.path()).second) << option.path();
    EXPECT_NE(std::find(names.begin(), names.end(), option.section), names.end()) << option.section;
    EXPECT_EQ(option.of_guest(), std::holds_alternative<std::monostate>(option.field)) << option.path();
  }
}

}  // namespace
}  // namespace xdpfwd

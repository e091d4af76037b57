// SPDX-License-Identifier: BSD-2-Clause
// The one table of configuration keys. The parser takes types, ranges and defaults from it, and so do --help,
// `xdpctl explain`, the man page and shell completion: a key that is not here does not exist, and one that is
// here is documented. What the values mean is left to config.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/config.h"

namespace xdpfwd {

enum class OptionType {
  kText,            // a string
  kPath,            // an absolute path
  kInteger,         // min .. max
  kChoice,          // one of `choices`
  kNumberOrChoice,  // min .. max, or one of `choices`
  kCpus,            // a list of CPUs, "0-3,8", or one of `choices`
  kNapi,            // NAPI modes: napi_wish.h
  kSchedule,        // how a thread is scheduled, or "keep": napi_wish.h
  kInterface,       // an interface name
  kInterfaces,      // an array of interface names
  kMacs,            // a MAC address or an array of them
  kVlans,           // a VLAN ID, "untagged", or an array of them
};

// A field of Settings that is one of `choices`, by its index there.
struct ChoiceField {
  void (*set)(Settings&, size_t);
};

// Where the parser puts the value. Nothing for the keys of [[guest]], which are fields of Guest.
using OptionField = std::variant<std::monostate, std::string Settings::*, uint32_t Settings::*,
                                 std::vector<InterfaceName> Settings::*, ChoiceField,
                                 NumberWish TuningSettings::*, CpuWish TuningSettings::*,
                                 NapiWish TuningSettings::*, std::optional<ThreadSchedule> TuningSettings::*>;

struct Option {
  std::string_view section;  // "uplink"; "guest" stands for each [[guest]]
  std::string_view key;
  OptionType type = OptionType::kText;
  std::string_view default_text;  // as TOML; empty: it must be given
  OptionField field;
  int64_t min = 0;  // kInteger, kNumberOrChoice: the value; kText and kPath: the bytes, when max is not 0
  int64_t max = 0;
  std::span<const std::string_view> choices;
  bool on_reload = true;         // false: read at start only
  std::string_view help;         // one line, no full stop
  std::string_view explanation;  // sentences
  std::string_view example;      // as TOML

  [[nodiscard]] bool required() const { return default_text.empty(); }
  [[nodiscard]] bool of_guest() const { return section == "guest"; }
  [[nodiscard]] std::string path() const;  // "uplink.devices"
};

struct Section {
  std::string_view name;
  std::string_view help;
};

// In the order of documentation.
std::span<const Section> sections();
std::span<const Option> options();

// nullptr when there is no such key.
const Option* find_option(std::string_view section, std::string_view key);
// By path, "guest.mac".
const Option* find_option(std::string_view path);

std::vector<std::string_view> section_names();
std::vector<std::string_view> keys_of(std::string_view section);

// For people: "an integer", "one of native, generic", "1 to 16777216".
std::string type_text(const Option& option);

}  // namespace xdpfwd

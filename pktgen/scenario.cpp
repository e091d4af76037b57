// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/scenario.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

namespace xdpfwd::pktgen {
namespace {

using nlohmann::json;

Result<uint64_t> parse_number(std::string_view text, uint64_t at_most) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > at_most)
    return fail(fmt::format("'{}' is not a number up to {}", text, at_most));
  return value;
}

// One field of a guest, from its text: the flags and the file go the same way.
Result<void> set_guest_field(Guest& guest, std::string_view key, const std::string& value) {
  const auto number = [&](uint64_t at_most, auto&& set) -> Result<void> {
    auto parsed = parse_number(value, at_most);
    if (!parsed) return std::unexpected(parsed.error());
    set(*parsed);
    return {};
  };
  if (key == "name") {
    guest.name = value;
  } else if (key == "tap") {
    auto name = InterfaceName::parse(value);
    if (!name) return std::unexpected(name.error());
    guest.tap = value;
  } else if (key == "mac") {
    auto mac = MacAddress::parse(value);
    if (!mac) return std::unexpected(mac.error());
    guest.mac = *mac;
  } else if (key == "vlan") {
    auto vlan = VlanTag::parse(value);
    if (!vlan) return std::unexpected(vlan.error());
    guest.vlan = *vlan;
  } else if (key == "inner") {
    return number(VlanTag::kMaxId, [&](uint64_t vid) { guest.inner_vid = static_cast<uint16_t>(vid); });
  } else if (key == "priority") {
    return number(7, [&](uint64_t priority) { guest.priority = static_cast<uint8_t>(priority); });
  } else if (key == "trunk") {
    if (value != "true" && value != "false")
      return fail(fmt::format("'{}' is neither true nor false", value));
    guest.keep_tag = value == "true";
  } else {
    return fail(fmt::format("unknown key '{}'", key),
                "a guest has mac, vlan, tap, name, inner, priority, trunk");
  }
  return {};
}

// "a=1,b,c=3" -> pairs; a key alone is true.
std::vector<std::pair<std::string, std::string>> split_pairs(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos)
      pairs.emplace_back(part, "true");
    else
      pairs.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return pairs;
}

// Text of a scalar as it would be written in a flag.
Result<std::string> scalar_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_unsigned() || value.is_boolean()) return value.dump();
  return fail(fmt::format("{} is neither text nor a number", value.dump()));
}

using Setter = std::function<Result<void>(const json&)>;

// Walks an object's keys; a key without a setter, or a value that a setter refuses, is an error with its
// path.
Result<void> read_object(const json& object, const std::string& place,
                         const std::map<std::string, Setter>& setters) {
  if (!object.is_object()) return fail(fmt::format("{}: an object is expected", place));
  for (const auto& [key, value] : object.items()) {
    const auto setter = setters.find(key);
    if (setter == setters.end()) {
      std::vector<std::string> known;
      known.reserve(setters.size());
      for (const auto& [name, unused] : setters) known.push_back(name);
      return fail(fmt::format("{}: unknown key '{}'", place, key),
                  fmt::format("known are {}", fmt::join(known, ", ")));
    }
    if (auto set = setter->second(value); !set)
      return fail_in(fmt::format("{}: {}", place, key), set.error());
  }
  return {};
}

template <typename T>
Setter text_into(T& field) {
  return [&field](const json& value) -> Result<void> {
    if (!value.is_string()) return fail(fmt::format("{} is not text", value.dump()));
    field = value.get<std::string>();
    return {};
  };
}

template <typename T>
Setter number_into(T& field, const Limits& limits) {
  return [&field, limits](const json& value) -> Result<void> {
    const double number = value.is_number() ? value.get<double>() : std::nan("");
    if (auto checked = limits.check(number, value.dump()); !checked) return checked;
    field = value.get<typename T::value_type>();
    return {};
  };
}

Setter each(const std::string& what,
            std::function<Result<void>(const json&, const std::string& place)> read) {
  return [what, read = std::move(read)](const json& list) -> Result<void> {
    if (!list.is_array()) return fail("a list is expected");
    for (size_t i = 0; i < list.size(); ++i)
      if (auto done = read(list[i], fmt::format("{} {}", what, i + 1)); !done) return done;
    return {};
  };
}

Result<void> read_guest(const json& object, const std::string& place, Scenario& scenario) {
  if (!object.is_object()) return fail(fmt::format("{}: an object is expected", place));
  Guest guest;
  for (const auto& [key, value] : object.items()) {
    auto text = scalar_text(value);
    if (!text) return fail_in(fmt::format("{}: {}", place, key), text.error());
    if (auto set = set_guest_field(guest, key, *text); !set)
      return fail_in(fmt::format("{}: {}", place, key), set.error());
  }
  if (guest.name.empty()) guest.name = guest.tap.empty() ? guest.mac.text() : guest.tap;
  scenario.guests.push_back(std::move(guest));
  return {};
}

}  // namespace

std::string Limits::text() const {
  return fmt::format("{} from {} to {}", whole ? "a whole number" : "a number", least, most);
}

Result<void> Limits::check(double value, std::string_view as_written) const {
  if (value >= least && value <= most && (!whole || value == std::trunc(value))) return {};
  return fail(fmt::format("{} is not {}", as_written, text()));
}

std::vector<std::string> Scenario::tx_devices() const {
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const Member& member : members) names.push_back(member.tx);
  return names;
}

std::vector<std::string> Scenario::rx_devices() const {
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const Member& member : members) names.push_back(member.rx);
  return names;
}

std::vector<std::string> Scenario::taps() const {
  std::vector<std::string> names;
  for (const Guest& guest : guests)
    if (std::ranges::find(names, guest.tap) == names.end()) names.push_back(guest.tap);
  return names;
}

Result<Scenario> parse_scenario(std::string_view text, std::string_view file_name) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::parse_error& error) {
    const std::string_view before = text.substr(0, std::min(text.size(), error.byte));
    const auto line = 1 + std::ranges::count(before, '\n');
    return fail(fmt::format("{}:{}: no JSON: {}", file_name, line, error.what()));
  }
  Scenario scenario;
  const std::map<std::string, Setter> setters = {
      {"guests", each("guest", [&](const json& item,
                                   const std::string& place) { return read_guest(item, place, scenario); })},
      {"members", each("member",
                       [&](const json& item, const std::string& place) -> Result<void> {
                         Member member;
                         if (auto done = read_object(
                                 item, place, {{"tx", text_into(member.tx)}, {"rx", text_into(member.rx)}});
                             !done)
                           return done;
                         scenario.members.push_back(std::move(member));
                         return {};
                       })},
      {"sizes", each("size",
                     [&](const json& item, const std::string& place) -> Result<void> {
                       auto size = scalar_text(item);
                       if (!size) return fail_in(place, size.error());
                       auto sizes = parse_size(*size);
                       if (!sizes) return fail_in(place, sizes.error());
                       scenario.sizes.insert(scenario.sizes.end(), sizes->begin(), sizes->end());
                       return {};
                     })},
      {"tx_netns", text_into(scenario.tx_netns)},
      {"rx_netns", text_into(scenario.rx_netns)},
      {"sources", number_into(scenario.sources, kSourcesLimits)},
      {"pps", number_into(scenario.pps, kPpsLimits)},
      {"count", number_into(scenario.count, kCountLimits)},
      {"duration", number_into(scenario.duration_s, kSecondsLimits)},
      {"queue_length", number_into(scenario.queue_length, kQueueLengthLimits)},
      {"control_frames", number_into(scenario.control_frames, kControlLimits)},
      {"backend", [&](const json& value) -> Result<void> {
         auto backend = parse_backend(value.is_string() ? value.get<std::string>() : value.dump());
         if (!backend) return std::unexpected(backend.error());
         scenario.backend = *backend;
         return {};
       }}};
  if (auto done = read_object(root, std::string(file_name), setters); !done)
    return std::unexpected(done.error());
  return scenario;
}

Result<Scenario> read_scenario(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail_errno(fmt::format("scenario '{}'", path), errno);
  std::ostringstream text;
  text << file.rdbuf();
  return parse_scenario(text.str(), path);
}

Result<std::vector<size_t>> parse_size(std::string_view text) {
  // The few large ones are spread out, so that a burst of any length has the same mix.
  if (text == "imix") return std::vector<size_t>{60, 60, 566, 60, 60, 566, 60, 566, 60, 60, 566, 1514};
  size_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(fmt::format("a frame size of '{}'", text), "give a number of bytes, or imix");
  return std::vector<size_t>{size};
}

Result<Guest> parse_guest(std::string_view text) {
  Guest guest;
  for (const auto& [key, value] : split_pairs(text))
    if (auto set = set_guest_field(guest, key, value); !set)
      return fail_in(fmt::format("guest '{}': {}", text, key), set.error());
  if (guest.name.empty()) guest.name = guest.tap.empty() ? guest.mac.text() : guest.tap;
  return guest;
}

Result<Member> parse_member(std::string_view text) {
  Member member;
  for (const auto& [key, value] : split_pairs(text)) {
    if (key == "tx")
      member.tx = value;
    else if (key == "rx")
      member.rx = value;
    else
      return fail(fmt::format("member '{}': unknown key '{}'", text, key), "write tx=sw0,rx=up0");
  }
  return member;
}

Result<void> check_guests(const std::vector<Guest>& guests, bool need_taps) {
  if (guests.empty())
    return fail("no guests", "name at least one: --guest mac=52:54:00:00:00:01,vlan=100,tap=tap1");
  std::map<FdbKey, std::string> seen;
  for (const Guest& guest : guests) {
    if (guest.mac.is_zero())
      return fail(fmt::format("guest '{}' has no MAC", guest.name), "add mac=52:54:00:00:00:01");
    if (guest.mac.is_group())
      return fail(fmt::format("guest '{}': {} is a multicast address", guest.name, guest.mac.text()),
                  "a guest's MAC has an even first byte");
    if (need_taps && guest.tap.empty())
      return fail(fmt::format("guest '{}' has no tap", guest.name), "add tap=NAME");
    const auto [other, is_new] = seen.try_emplace(FdbKey::make(guest.mac, guest.vlan), guest.name);
    if (!is_new)
      return fail(
          fmt::format("guests '{}' and '{}' both have {}", other->second, guest.name, other->first.text()),
          "a (VLAN, MAC) belongs to one guest");
  }
  return {};
}

Result<void> check_members(const std::vector<Member>& members) {
  if (members.empty()) return fail("no members", "name at least one: --member tx=sw0,rx=up0");
  for (const Member& member : members) {
    if (member.tx.empty() || member.rx.empty())
      return fail(fmt::format("member tx='{}' rx='{}' lacks an end", member.tx, member.rx),
                  "write tx=sw0,rx=up0");
    if (auto checked = check_names("member", {member.tx, member.rx}); !checked) return checked;
  }
  return {};
}

Result<void> check_names(std::string_view what, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (const auto parsed = InterfaceName::parse(name); !parsed)
      return fail_in(fmt::format("{} '{}'", what, name), parsed.error());
  return {};
}

}  // namespace xdpfwd::pktgen

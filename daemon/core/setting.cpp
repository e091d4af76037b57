// SPDX-License-Identifier: BSD-2-Clause
#include "core/setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

namespace xdpfwd {
namespace {

struct KnobRow {
  std::string_view name;
  KnobScope scope;
};
constexpr auto kRows = std::to_array<KnobRow>({
#define XDPFWD_KNOB(constant, name, scope) {name, KnobScope::scope},
    XDPFWD_KNOBS(XDPFWD_KNOB)
#undef XDPFWD_KNOB
});

// The next word of `rest`, which loses it.
std::string_view take_word(std::string_view& rest) {
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

}  // namespace

std::string_view name_of(Knob knob) {
  return kRows[static_cast<size_t>(knob)].name;
}

KnobScope scope_of(Knob knob) {
  return kRows[static_cast<size_t>(knob)].scope;
}

Result<Knob> parse_knob(std::string_view name) {
  const auto row = std::ranges::find(kRows, name, &KnobRow::name);
  if (row == kRows.end()) return fail(fmt::format("there is no knob '{}'", name));
  return static_cast<Knob>(row - kRows.begin());
}

std::string text_of(const Setting& setting) {
  const std::string_view name = name_of(setting.knob);
  if (setting.index == kWholeDevice) return std::string(name);
  switch (scope_of(setting.knob)) {
    case KnobScope::kLocation:
      return fmt::format("{} {}", name, setting.index);
    case KnobScope::kIrq:
      return fmt::format("{} of interrupt {}", name, setting.index);
    case KnobScope::kNapi:
      return fmt::format("{} of NAPI {}", name, setting.index);
    default:
      return fmt::format("{} of queue {}", name, setting.index);
  }
}

std::string SteeringRule::text() const {
  if (vlan == VlanTag()) return fmt::format("{} queue {}", mac.text(), queue);
  return fmt::format("{} vlan {} queue {}", mac.text(), vlan.text(), queue);
}

Result<SteeringRule> SteeringRule::parse(std::string_view text) {
  SteeringRule rule;
  std::string_view rest = text;
  const auto mac = MacAddress::parse(take_word(rest));
  if (!mac) return std::unexpected(mac.error());
  rule.mac = *mac;
  std::string_view word = take_word(rest);
  if (word == "vlan") {
    const auto vlan = VlanTag::parse(take_word(rest));
    if (!vlan) return std::unexpected(vlan.error());
    rule.vlan = *vlan;
    word = take_word(rest);
  }
  const std::string_view queue = take_word(rest);
  const auto [end, error] = std::from_chars(queue.data(), queue.data() + queue.size(), rule.queue);
  if (word != "queue" || error != std::errc() || end != queue.data() + queue.size() || !rest.empty())
    return fail(fmt::format("'{}' is no rule of ours", text));
  return rule;
}

std::vector<uint32_t> shared_cpus(const HostTuning& host) {
  std::vector<uint32_t> shared;
  std::ranges::set_difference(host.cpus, host.isolated, std::back_inserter(shared));
  return shared.empty() ? host.cpus : shared;
}

const std::string* find_setting(const HostTuning& host, const Setting& setting) {
  const auto at = std::ranges::lower_bound(host.settings, setting, {}, &SettingValue::setting);
  return at != host.settings.end() && at->setting == setting ? &at->value : nullptr;
}

const Nic* find_nic(const HostTuning& host, uint32_t ifindex) {
  const auto at = std::ranges::lower_bound(host.nics, ifindex, {}, &Nic::ifindex);
  return at != host.nics.end() && at->ifindex == ifindex ? &*at : nullptr;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/guest_fields.h"

#include <fmt/format.h>

#include "core/nearest.h"
#include "core/options.h"

namespace xdpfwd {
namespace {

// The index of `text` among the choices of a guest's key.
Result<size_t> parse_choice(std::string_view key, std::string_view text) {
  const Option* option = find_option("guest", key);
  for (size_t i = 0; i < option->choices.size(); ++i)
    if (option->choices[i] == text) return i;
  return fail(fmt::format("{} cannot be '{}'", key, text),
              did_you_mean(text, option->choices, "write one of"));
}

}  // namespace

Result<std::string> parse_guest_name(std::string_view text) {
  const Option* option = find_option("guest", "name");
  const auto bad = [&](std::string_view why) {
    return fail(fmt::format("'{}' is not a guest name: {}", text.substr(0, 80), why),
                fmt::format("write 1 to {} characters without spaces", option->max));
  };
  if (text.empty()) return bad("it is empty");
  if (text.size() > static_cast<size_t>(option->max)) return bad("it is too long");
  if (text.front() == '-') return bad("it starts with '-'");
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return bad("it has a space or a control character");
  return std::string(text);
}

Result<MacAddress> parse_guest_mac(std::string_view text) {
  const auto mac = MacAddress::parse(text);
  if (!mac) return mac;
  if (mac->is_group())
    return fail(fmt::format("{} is a multicast or broadcast address", mac->text()),
                "give the guest's own MAC: the lowest bit of the first byte is 0, as in 52:54:00:00:00:01; "
                "multicast and broadcast always pass to the stack");
  if (mac->is_zero()) return fail("00:00:00:00:00:00 is nobody's MAC address", "give the guest's own MAC");
  return mac;
}

Result<VlanTag> make_guest_vlan(int64_t id, VlanTag::Tpid tpid) {
  if (id < 0 || id > VlanTag::kMaxId)
    return fail(fmt::format("VLAN {} does not exist", id),
                "VLAN IDs are 1 to 4094; 0 stands for untagged, 4095 is reserved");
  return VlanTag::make(static_cast<uint32_t>(id), tpid);
}

Result<VlanTag::Tpid> parse_tpid(std::string_view text) {
  const auto index = parse_choice("tpid", text);
  if (!index) return std::unexpected(index.error());
  return *index == 0 ? VlanTag::Tpid::k8021q : VlanTag::Tpid::k8021ad;
}

Result<bool> parse_mode(std::string_view text) {
  const auto index = parse_choice("mode", text);
  if (!index) return std::unexpected(index.error());
  return *index == 1;
}

Result<std::optional<Profile>> parse_guest_profile(std::string_view text) {
  const auto index = parse_choice("profile", text);
  if (!index) return std::unexpected(index.error());
  if (*index == 0) return std::nullopt;
  return static_cast<Profile>(*index - 1);
}

Result<uint32_t> parse_guest_cpu(int64_t cpu) {
  const Option* option = find_option("guest", "cpu");
  if (cpu < option->min || cpu > option->max)
    return fail(fmt::format("there is no CPU {}", cpu),
                fmt::format("write {} to {}", option->min, option->max));
  return static_cast<uint32_t>(cpu);
}

std::string_view profile_text(Profile profile) {
  return find_option("tuning", "profile")->choices[static_cast<size_t>(profile)];
}
std::string_view tpid_text(VlanTag::Tpid tpid) {
  return tpid == VlanTag::Tpid::k8021ad ? "802.1ad" : "802.1q";
}
std::string_view mode_text(bool keep_tag) {
  return keep_tag ? "trunk" : "access";
}

VlanTag::Tpid tpid_of(const Guest& guest) {
  for (const VlanTag vlan : guest.vlans)
    if (vlan.tpid() == VlanTag::Tpid::k8021ad) return VlanTag::Tpid::k8021ad;
  return VlanTag::Tpid::k8021q;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/net.h"

#include <fmt/format.h>

#include <charconv>

namespace xdpfwd {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<MacAddress> MacAddress::parse(std::string_view text) {
  const auto bad = [&] {
    return fail(fmt::format("'{}' is not a MAC address", text), "write six pairs, as in 52:54:00:00:00:01");
  };
  if (text.size() != 17) return bad();
  std::array<uint8_t, 6> bytes{};
  const char separator = text[2];
  if (separator != ':' && separator != '-') return bad();
  for (size_t i = 0; i < 6; ++i) {
    const int high = hex_digit(text[3 * i]);
    const int low = hex_digit(text[3 * i + 1]);
    if (high < 0 || low < 0) return bad();
    if (i < 5 && text[3 * i + 2] != separator) return bad();
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return MacAddress(bytes);
}

std::string MacAddress::text() const {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes_[0], bytes_[1], bytes_[2], bytes_[3],
                     bytes_[4], bytes_[5]);
}

Result<VlanTag> VlanTag::make(uint32_t id, Tpid tpid) {
  if (id > kMaxId)
    return fail(fmt::format("VLAN {} does not exist", id),
                "VLAN IDs are 1 to 4094; 0 stands for untagged, 4095 is reserved");
  VlanTag tag;
  tag.bits_ = static_cast<uint16_t>(id | (id != 0 && tpid == Tpid::k8021ad ? XDPFWD_VLAN_8021AD : 0));
  return tag;
}

Result<VlanTag> VlanTag::parse(std::string_view text) {
  if (text == "untagged") return VlanTag();
  std::string_view digits = text;
  Tpid tpid = Tpid::k8021q;
  if (digits.starts_with("ad:")) {
    digits.remove_prefix(3);
    tpid = Tpid::k8021ad;
  }
  uint32_t id = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (error == std::errc::result_out_of_range) return make(UINT32_MAX, tpid);
  if (error != std::errc() || end != digits.data() + digits.size())
    return fail(fmt::format("'{}' is not a VLAN", text),
                "write 1 to 4094, 'untagged', or ad:100 for 802.1ad");
  return make(id, tpid);
}

std::string VlanTag::text() const {
  return tpid() == Tpid::k8021ad ? fmt::format("ad:{}", id()) : fmt::format("{}", id());
}

Result<InterfaceName> InterfaceName::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail(fmt::format("'{}' is not an interface name: {}", text, why),
                "see 'ip link' for the names here");
  };
  if (text.empty()) return bad("it is empty");
  if (text.size() >= XDPFWD_NAME_LEN) return bad("names have at most 15 characters");
  if (text == "." || text == "..") return bad("the kernel reserves it");
  InterfaceName name;
  for (const char c : text) {
    if (c == '/' || c == ':' || static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return bad("no '/', ':' or spaces");
    name.chars_[name.length_++] = c;
  }
  return name;
}

std::string FdbKey::text() const {
  return fmt::format("VLAN {}, MAC {}", vlan().text(), mac().text());
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The field's values, each valid by construction: MAC address, VLAN tag, interface name, and the FDB key made
// of the first two. Text comes in through parse(), which says what is wrong with it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bpf/abi.h"

namespace xdpfwd {

class MacAddress {
 public:
  constexpr MacAddress() = default;
  constexpr explicit MacAddress(const std::array<uint8_t, 6>& bytes) : bytes_(bytes) {}

  // Six hexadecimal pairs, joined by ':' or '-': "52:54:00:00:00:01".
  static Result<MacAddress> parse(std::string_view text);
  // The low 48 bits, most significant byte first.
  static constexpr MacAddress from_bits(uint64_t bits) {
    MacAddress mac;
    for (unsigned i = 0; i < 6; ++i) mac.bytes_[i] = static_cast<uint8_t>(bits >> (40 - 8 * i));
    return mac;
  }

  [[nodiscard]] constexpr uint64_t bits() const {
    uint64_t bits = 0;
    for (uint8_t byte : bytes_) bits = bits << 8 | byte;
    return bits;
  }
  [[nodiscard]] constexpr const std::array<uint8_t, 6>& bytes() const { return bytes_; }
  [[nodiscard]] constexpr bool is_group() const { return (bytes_[0] & 1) != 0; }
  [[nodiscard]] constexpr bool is_zero() const { return bits() == 0; }
  [[nodiscard]] std::string text() const;  // lower case, with ':'

  auto operator<=>(const MacAddress&) const = default;

 private:
  std::array<uint8_t, 6> bytes_{};
};

// A VLAN as the table knows it: untagged (0), or a VLAN ID 1..4094 of an 802.1Q or an 802.1ad tag.
class VlanTag {
 public:
  enum class Tpid { k8021q, k8021ad };
  static constexpr uint16_t kMaxId = 4094;

  constexpr VlanTag() = default;  // untagged

  // `id` 0 is untagged, whatever the tpid. Fails above 4094.
  static Result<VlanTag> make(uint32_t id, Tpid tpid = Tpid::k8021q);
  // "100", "0", "untagged", or "ad:100" for 802.1ad.
  static Result<VlanTag> parse(std::string_view text);
  // The ABI's 16 bits, as found in a map. Never fails: unknown bits are dropped.
  static constexpr VlanTag from_abi(uint16_t bits) {
    VlanTag tag;
    tag.bits_ = bits & (XDPFWD_VLAN_ID_MASK | XDPFWD_VLAN_8021AD);
    return tag;
  }

  [[nodiscard]] constexpr uint16_t abi() const { return bits_; }
  [[nodiscard]] constexpr uint16_t id() const { return bits_ & XDPFWD_VLAN_ID_MASK; }
  [[nodiscard]] constexpr Tpid tpid() const {
    return bits_ & XDPFWD_VLAN_8021AD ? Tpid::k8021ad : Tpid::k8021q;
  }
  [[nodiscard]] std::string text() const;  // what parse() takes: "100", "ad:100", "0"

  auto operator<=>(const VlanTag&) const = default;

 private:
  uint16_t bits_ = 0;
};

// A name that the kernel accepts for a network interface: 1..15 bytes, no '/', no white space, no ':',
// neither "." nor "..".
class InterfaceName {
 public:
  constexpr InterfaceName() = default;
  static Result<InterfaceName> parse(std::string_view text);

  [[nodiscard]] constexpr std::string_view view() const { return {chars_.data(), length_}; }
  [[nodiscard]] std::string text() const { return std::string(view()); }
  [[nodiscard]] constexpr bool empty() const { return length_ == 0; }
  [[nodiscard]] constexpr const char* c_str() const { return chars_.data(); }

  auto operator<=>(const InterfaceName& other) const { return view() <=> other.view(); }
  bool operator==(const InterfaceName& other) const { return view() == other.view(); }

 private:
  std::array<char, XDPFWD_NAME_LEN> chars_{};
  uint8_t length_ = 0;
};

// (VLAN, MAC) in one word, ordered by VLAN and then MAC, so that a million rows sort and compare fast.
struct FdbKey {
  uint64_t packed = 0;

  static constexpr FdbKey make(MacAddress mac, VlanTag vlan) {
    return {static_cast<uint64_t>(vlan.abi()) << 48 | mac.bits()};
  }
  [[nodiscard]] constexpr MacAddress mac() const { return MacAddress::from_bits(packed); }
  [[nodiscard]] constexpr VlanTag vlan() const {
    return VlanTag::from_abi(static_cast<uint16_t>(packed >> 48));
  }
  [[nodiscard]] std::string text() const;  // "vlan 100, MAC 52:54:00:00:00:01"

  auto operator<=>(const FdbKey&) const = default;
};

}  // namespace xdpfwd

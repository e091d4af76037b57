// SPDX-License-Identifier: BSD-2-Clause
// The one packet builder, for tests and generators alike: layers composed by '/', with lengths, ethertypes
// and checksums filled in unless a field says otherwise. It decides bytes only; it sends nothing.
//
//   Packet frame = Ethernet{.dst = "52:54:00:00:00:01"_mac} / Vlan{.vid = 100} / Ipv4{} / Udp{.dport = 53} /
//                  Payload{1, 2, 3};
//   std::vector<uint8_t> wire = frame.bytes(kMinimumFrame);  // padded with zeros to 60 bytes
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "core/net.h"

namespace xdpfwd {

inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeArp = 0x0806;
inline constexpr uint16_t kEtherTypeVlan = 0x8100;  // 802.1Q
inline constexpr uint16_t kEtherTypeIpv6 = 0x86dd;
inline constexpr uint16_t kEtherTypeQinq = 0x88a8;   // 802.1ad
inline constexpr uint16_t kEtherTypeSlow = 0x8809;   // LACP
inline constexpr uint16_t kEtherTypeLocal = 0x88b5;  // IEEE 802 local experimental: what nobody claims

inline constexpr size_t kEthernetSize = 14;
inline constexpr size_t kVlanSize = 4;
inline constexpr size_t kIpv4Size = 20;
inline constexpr size_t kUdpSize = 8;
inline constexpr size_t kMinimumFrame = 60;  // the shortest frame on a wire, without its FCS

// "52:54:00:00:00:01"_mac, checked by the compiler.
consteval MacAddress operator""_mac(const char* text, size_t size) {
  if (size != 17) throw "a MAC address has six pairs";
  uint64_t bits = 0;
  for (size_t i = 0; i < size; ++i) {
    const char c = text[i];
    if (i % 3 == 2) {
      if (c != ':') throw "pairs are joined by ':'";
    } else if (c >= '0' && c <= '9') {
      bits = bits << 4 | static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      bits = bits << 4 | static_cast<uint64_t>(c - 'a' + 10);
    } else {
      throw "pairs are lower case hexadecimal";
    }
  }
  return MacAddress::from_bits(bits);
}

inline constexpr MacAddress kBroadcastMac = "ff:ff:ff:ff:ff:ff"_mac;
inline constexpr MacAddress kStpMac = "01:80:c2:00:00:00"_mac;
inline constexpr MacAddress kLacpMac = "01:80:c2:00:00:02"_mac;
inline constexpr MacAddress kLldpMac = "01:80:c2:00:00:0e"_mac;
inline constexpr MacAddress kMulticastMac = "01:00:5e:00:00:01"_mac;  // IPv4 all hosts
inline constexpr MacAddress kGuestMac = "52:54:00:00:00:01"_mac;      // the default destination
inline constexpr MacAddress kGatewayMac = "02:00:00:00:00:fe"_mac;    // the default source
inline constexpr MacAddress kUnknownMac = "02:de:ad:00:be:ef"_mac;    // no test configures it

using Ipv4Address = std::array<uint8_t, 4>;
using Ipv6Address = std::array<uint8_t, 16>;

// ---- layers; an empty optional means "derive it from what follows"
// -------------------------------------------

struct Ethernet {
  MacAddress dst = kGuestMac;
  MacAddress src = kGatewayMac;
  std::optional<uint16_t> ethertype = {};
};

struct Vlan {
  uint16_t vid = 0;
  uint8_t pcp = 0;
  bool dei = false;
  uint16_t tpid = kEtherTypeVlan;  // goes into the ethertype field of the layer before
  std::optional<uint16_t> ethertype = {};
};

struct Ipv4 {
  Ipv4Address src = {192, 0, 2, 1};     // RFC 5737
  Ipv4Address dst = {198, 51, 100, 1};  // RFC 5737
  uint8_t ttl = 64;
  uint8_t tos = 0;
  uint16_t id = 0;
  std::optional<uint8_t> protocol = {};
  std::optional<uint16_t> total_length = {};
  std::optional<uint16_t> checksum = {};
};

struct Ipv6 {
  Ipv6Address src = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};  // RFC 3849
  Ipv6Address dst = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
  uint8_t hop_limit = 64;
  std::optional<uint8_t> next_header = {};
};

struct Udp {
  uint16_t sport = 49152;
  uint16_t dport = 9;                     // discard
  std::optional<uint16_t> checksum = {};  // 0 = "no checksum"; empty = computed over the layer before
};

// The last bytes of a frame. Payload{1, 2, 3}, Payload(vector), or Payload::of_size(n): 0, 1, 2, ... 255, 0,
// ...
struct Payload {
  Payload() = default;
  Payload(std::initializer_list<uint8_t> list) : bytes(list) {}
  explicit Payload(std::vector<uint8_t> content) : bytes(std::move(content)) {}
  static Payload of_size(size_t size);
  std::vector<uint8_t> bytes;
};

// Bytes as they are, anywhere in the stack: malformed headers, frames cut off.
struct Raw {
  Raw() = default;
  Raw(std::initializer_list<uint8_t> list) : bytes(list) {}
  explicit Raw(std::vector<uint8_t> content) : bytes(std::move(content)) {}
  std::vector<uint8_t> bytes;
};

using Layer = std::variant<Ethernet, Vlan, Ipv4, Ipv6, Udp, Payload, Raw>;

template <typename T>
concept PacketLayer =
    std::same_as<T, Ethernet> || std::same_as<T, Vlan> || std::same_as<T, Ipv4> || std::same_as<T, Ipv6> ||
    std::same_as<T, Udp> || std::same_as<T, Payload> || std::same_as<T, Raw>;

class Packet {
 public:
  Packet() = default;
  template <PacketLayer L>
  Packet(L layer) {  // NOLINT(google-explicit-constructor): one layer is a packet
    layers_.emplace_back(std::move(layer));
  }

  // The frame, without FCS, padded with zeros up to `minimum` bytes. IP lengths do not count the padding.
  [[nodiscard]] std::vector<uint8_t> bytes(size_t minimum = 0) const;
  [[nodiscard]] const std::vector<Layer>& layers() const { return layers_; }

  Packet& append(Layer layer) {
    layers_.push_back(std::move(layer));
    return *this;
  }

 private:
  std::vector<Layer> layers_;
};

template <PacketLayer R>
Packet operator/(Packet left, R right) {
  left.append(std::move(right));
  return left;
}

template <PacketLayer L, PacketLayer R>
Packet operator/(L left, R right) {
  return Packet(std::move(left)) / std::move(right);
}

inline Packet operator/(Packet left, const Packet& right) {
  for (const Layer& layer : right.layers()) left.append(layer);
  return left;
}

// RFC 1071: the ones' complement sum of 16-bit words, complemented; in host order.
uint16_t internet_checksum(std::span<const uint8_t> bytes, uint32_t initial = 0);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/packet.h"

#include <algorithm>

namespace xdpfwd {
namespace {

constexpr uint8_t kProtocolUdp = 17;
constexpr uint8_t kProtocolNone = 253;  // RFC 3692: for experiments

using Bytes = std::vector<uint8_t>;

void put8(Bytes& out, uint8_t value) {
  out.push_back(value);
}

void put16(Bytes& out, uint16_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

template <typename Range>
void put(Bytes& out, const Range& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

uint16_t ethertype_of(const Layer* next) {
  if (next == nullptr) return kEtherTypeLocal;
  if (const Vlan* vlan = std::get_if<Vlan>(next)) return vlan->tpid;
  if (std::holds_alternative<Ipv4>(*next)) return kEtherTypeIpv4;
  if (std::holds_alternative<Ipv6>(*next)) return kEtherTypeIpv6;
  return kEtherTypeLocal;
}

uint8_t protocol_of(const Layer* next) {
  return next != nullptr && std::holds_alternative<Udp>(*next) ? kProtocolUdp : kProtocolNone;
}

uint32_t sum_words(std::span<const uint8_t> bytes, uint32_t sum) {
  for (size_t i = 0; i < bytes.size(); i += 2) {
    const uint32_t low = i + 1 < bytes.size() ? bytes[i + 1] : 0U;
    sum += static_cast<uint32_t>(bytes[i]) << 8 | low;
  }
  return sum;
}

// The sum of the pseudo header that UDP's checksum starts with; nothing to sum when no IP layer comes before.
std::optional<uint32_t> pseudo_header(const Layer* previous, size_t length) {
  if (previous == nullptr) return {};
  const uint32_t sum = static_cast<uint32_t>(length) + kProtocolUdp;
  if (const Ipv4* ip = std::get_if<Ipv4>(previous)) return sum_words(ip->dst, sum_words(ip->src, sum));
  if (const Ipv6* ip = std::get_if<Ipv6>(previous)) return sum_words(ip->dst, sum_words(ip->src, sum));
  return {};
}

// Builds one layer's header, knowing its neighbours and all the bytes that follow it.
struct HeaderOf {
  const Layer* previous;
  const Layer* next;
  const Bytes& rest;

  Bytes operator()(const Ethernet& layer) const {
    Bytes out;
    put(out, layer.dst.bytes());
    put(out, layer.src.bytes());
    put16(out, layer.ethertype.value_or(ethertype_of(next)));
    return out;
  }

  // The tag's TPID is the ethertype of the layer before; what is written here is TCI and inner ethertype.
  Bytes operator()(const Vlan& layer) const {
    Bytes out;
    put16(out, static_cast<uint16_t>(layer.pcp << 13 | (layer.dei ? 1 << 12 : 0) | (layer.vid & 0xfff)));
    put16(out, layer.ethertype.value_or(ethertype_of(next)));
    return out;
  }

  Bytes operator()(const Ipv4& layer) const {
    Bytes out;
    put8(out, 0x45);
    put8(out, layer.tos);
    put16(out, layer.total_length.value_or(static_cast<uint16_t>(kIpv4Size + rest.size())));
    put16(out, layer.id);
    put16(out, 0x4000);  // do not fragment
    put8(out, layer.ttl);
    put8(out, layer.protocol.value_or(protocol_of(next)));
    put16(out, 0);
    put(out, layer.src);
    put(out, layer.dst);
    const uint16_t checksum = layer.checksum.value_or(internet_checksum(out));
    out[10] = static_cast<uint8_t>(checksum >> 8);
    out[11] = static_cast<uint8_t>(checksum);
    return out;
  }

  Bytes operator()(const Ipv6& layer) const {
    Bytes out;
    put16(out, 0x6000);
    put16(out, 0);
    put16(out, static_cast<uint16_t>(rest.size()));
    put8(out, layer.next_header.value_or(protocol_of(next)));
    put8(out, layer.hop_limit);
    put(out, layer.src);
    put(out, layer.dst);
    return out;
  }

  Bytes operator()(const Udp& layer) const {
    const size_t length = kUdpSize + rest.size();
    Bytes out;
    put16(out, layer.sport);
    put16(out, layer.dport);
    put16(out, static_cast<uint16_t>(length));
    put16(out, 0);
    uint16_t checksum = 0;
    if (layer.checksum) {
      checksum = *layer.checksum;
    } else if (const std::optional<uint32_t> pseudo = pseudo_header(previous, length)) {
      checksum = internet_checksum(rest, sum_words(out, *pseudo));
      if (checksum == 0) checksum = 0xffff;  // 0 would say "no checksum"
    }
    out[6] = static_cast<uint8_t>(checksum >> 8);
    out[7] = static_cast<uint8_t>(checksum);
    return out;
  }

  Bytes operator()(const Payload& layer) const { return layer.bytes; }
  Bytes operator()(const Raw& layer) const { return layer.bytes; }
};

}  // namespace

uint16_t internet_checksum(std::span<const uint8_t> bytes, uint32_t initial) {
  uint32_t sum = sum_words(bytes, initial);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

Payload Payload::of_size(size_t size) {
  Payload payload;
  payload.bytes.resize(size);
  for (size_t i = 0; i < size; ++i) payload.bytes[i] = static_cast<uint8_t>(i);
  return payload;
}

std::vector<uint8_t> Packet::bytes(size_t minimum) const {
  Bytes frame;
  for (size_t i = layers_.size(); i-- > 0;) {
    const Layer* previous = i > 0 ? &layers_[i - 1] : nullptr;
    const Layer* next = i + 1 < layers_.size() ? &layers_[i + 1] : nullptr;
    Bytes header = std::visit(HeaderOf{previous, next, frame}, layers_[i]);
    put(header, frame);
    frame = std::move(header);
  }
  frame.resize(std::max(frame.size(), minimum));
  return frame;
}

}  // namespace xdpfwd

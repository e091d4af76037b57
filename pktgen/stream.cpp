// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pktgen/generator.h"

namespace xdpfwd::pktgen {
namespace {

static_assert(Stamp::kSize == PKTGEN_STAMP_SIZE);
static_assert(Stamp::kMask == PKTGEN_STAMP_MASK);
static_assert(StreamSet::kMaxSize <= PKTGEN_FILL_MAX);

// Subtype 10 of the slow protocols, "organisation specific": our OUI-like bytes say whose.
constexpr std::array<uint8_t, 4> kSlowHeader = {0x0a, 0x02, 0x78, 0x66};

uint16_t get16(const uint8_t* from) {
  return static_cast<uint16_t>(from[0] << 8 | from[1]);
}
uint64_t get48(const uint8_t* from) {
  uint64_t value = 0;
  for (int i = 0; i < 6; ++i) value = value << 8 | from[i];
  return value;
}
void put48(uint8_t* to, uint64_t value) {
  for (int i = 0; i < 6; ++i) to[i] = static_cast<uint8_t>(value >> (40 - 8 * i));
}

uint32_t words48(uint64_t value) {
  return static_cast<uint32_t>((value & 0xffff) + (value >> 16 & 0xffff) + (value >> 32 & 0xffff));
}

uint16_t stamp_check(uint32_t id, const Stamp& stamp) {
  uint32_t sum = (id & 0xffff) + (id >> 16) + words48(stamp.sequence) + words48(stamp.sent_ns);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~((sum & 0xffff) + (sum >> 16)));
}

std::vector<uint8_t> frame_of(const std::vector<uint8_t>& head, std::span<const uint8_t> fill,
                              const Stamp& stamp, uint32_t id) {
  std::vector<uint8_t> frame = head;
  stamp.write(frame.data() + frame.size() - Stamp::kSize, id);
  frame.insert(frame.end(), fill.begin(), fill.end());
  return frame;
}

// Everything through the stamp, with lengths for a UDP payload of `payload_size`.
std::vector<uint8_t> udp_head(Packet link, uint32_t id, size_t source, size_t head_size,
                              size_t payload_size) {
  const Packet packet = std::move(link) /
                        Ipv4{.src = {192, 0, 2, static_cast<uint8_t>(1 + source)},
                             .dst = {198, 51, 100, static_cast<uint8_t>(1 + id % 254)},
                             .id = static_cast<uint16_t>(id >> 16)} /
                        Udp{.sport = static_cast<uint16_t>(id), .dport = Stamp::kPort, .checksum = 0} /
                        Payload(std::vector<uint8_t>(payload_size));
  std::vector<uint8_t> bytes = packet.bytes();
  bytes.resize(head_size);  // shorter, or longer by what follows the payload
  return bytes;
}

constexpr size_t kUdpHead = kEthernetSize + kIpv4Size + kUdpSize + Stamp::kSize;

Result<void> check_size(std::string_view what, size_t size, size_t head) {
  if (size >= head && size <= StreamSet::kMaxSize) return {};
  return fail(fmt::format("{}: frames of {} bytes", what, size),
              fmt::format("its headers and stamp take {} bytes; choose a size of {} to {}", head, head,
                          StreamSet::kMaxSize));
}

Result<void> check_count(size_t count, uint32_t first_id) {
  if (count > StreamSet::kMaxStreams)
    return fail(fmt::format("{} streams are too many", count),
                fmt::format("at most {}: fewer guests, sizes, members or sources", StreamSet::kMaxStreams));
  if (count > StreamSet::kMaxStreams - std::min<size_t>(first_id, StreamSet::kMaxStreams))
    return fail(fmt::format("{} streams from number {} on", count, first_id),
                fmt::format("the last is at most {}: begin with a lower number", StreamSet::kMaxStreams - 1));
  return {};
}

Result<void> check_sources(size_t count) {
  if (count >= 1 && count <= StreamSet::kMaxSources) return {};
  return fail(fmt::format("{} sources", count), fmt::format("choose 1 to {}", StreamSet::kMaxSources));
}

}  // namespace

void Stamp::write(uint8_t* to, uint32_t stream_id) const {
  const Stamp masked{sequence & kMask, sent_ns & kMask};
  put48(to, masked.sequence);
  put48(to + 6, masked.sent_ns);
  const uint16_t check = stamp_check(stream_id, masked);
  to[12] = static_cast<uint8_t>(check >> 8);
  to[13] = static_cast<uint8_t>(check);
}

std::optional<Stamp> Stamp::read(const uint8_t* from, uint32_t stream_id) {
  const Stamp stamp{get48(from), get48(from + 6)};
  if (get16(from + 12) != stamp_check(stream_id, stamp)) return {};
  return stamp;
}

std::optional<StampPlace> find_stamp(std::span<const uint8_t> frame) {
  size_t at = kEthernetSize - 2;
  for (int tags = 0; tags < 3; ++tags) {
    if (at + 2 > frame.size()) return {};
    const uint16_t ethertype = get16(&frame[at]);
    at += 2;
    if (ethertype == kEtherTypeVlan || ethertype == kEtherTypeQinq) {
      at += 2;
      continue;
    }
    if (ethertype == kEtherTypeIpv4) {
      if (at + kIpv4Size + kUdpSize + Stamp::kSize > frame.size()) return {};
      if (frame[at] != 0x45 || frame[at + 9] != 17 || get16(&frame[at + kIpv4Size + 2]) != Stamp::kPort)
        return {};
      const uint32_t id = static_cast<uint32_t>(get16(&frame[at + 4])) << 16 | get16(&frame[at + kIpv4Size]);
      // A payload that cannot hold the stamp has it behind itself.
      const size_t payload = std::max<size_t>(get16(&frame[at + kIpv4Size + 4]), kUdpSize) - kUdpSize;
      const size_t stamp_at = at + kIpv4Size + kUdpSize + (payload < Stamp::kSize ? payload : 0);
      if (stamp_at + Stamp::kSize > frame.size()) return {};
      return StampPlace{id, stamp_at};
    }
    if (ethertype == kEtherTypeSlow) {
      if (at + kSlowHeader.size() + 4 + Stamp::kSize > frame.size()) return {};
      if (!std::equal(kSlowHeader.begin(), kSlowHeader.end(), &frame[at])) return {};
      at += kSlowHeader.size();
      return StampPlace{static_cast<uint32_t>(get16(&frame[at])) << 16 | get16(&frame[at + 2]), at + 4};
    }
    return {};
  }
  return {};
}

std::string_view control_name(Control control) {
  switch (control) {
    case Control::kUnknownUnicast:
      return "unknown_unicast";
    case Control::kBroadcast:
      return "broadcast";
    case Control::kMulticast:
      return "multicast";
    case Control::kLacp:
      return "lacp";
  }
  return "?";
}

std::span<const uint8_t> fill_pattern() {
  static const std::array<uint8_t, PKTGEN_PATTERN_SIZE> pattern = [] {
    std::array<uint8_t, PKTGEN_PATTERN_SIZE> bytes{};
    uint32_t state = 0x9e3779b9;  // xorshift32: no byte follows from the one before
    for (uint8_t& byte : bytes) {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      byte = static_cast<uint8_t>(state >> 11);
    }
    return bytes;
  }();
  return pattern;
}

size_t fill_start(uint32_t stream_id) {
  return stream_id * 61 % (PKTGEN_PATTERN_SIZE - PKTGEN_FILL_MAX);
}

std::span<const uint8_t> Stream::fill() const {
  return fill_pattern().subspan(fill_start(id), fill_size);
}

std::vector<uint8_t> Stream::sent_frame(const Stamp& stamp) const {
  return frame_of(sent_head, fill(), stamp, id);
}

std::vector<uint8_t> Stream::delivered_frame(const Stamp& stamp) const {
  return frame_of(delivered_head, fill(), stamp, id);
}

Result<StreamSet> StreamSet::of_guests(std::span<const Guest> guests, const StreamOptions& options) {
  StreamSet set;
  set.first_id_ = options.first_id;
  if (auto checked = check_sources(options.sources); !checked) return std::unexpected(checked.error());
  if (auto checked = check_count(guests.size() * options.sizes.size() * options.members * options.sources,
                                 options.first_id);
      !checked)
    return std::unexpected(checked.error());
  for (size_t source = 0; source < options.sources; ++source)
    set.sources_.push_back(MacAddress::from_bits(options.source.bits() + source));
  for (size_t guest_index = 0; guest_index < guests.size(); ++guest_index) {
    const Guest& guest = guests[guest_index];
    const bool tagged = guest.vlan.id() != 0 || guest.priority.has_value();
    const auto link_from = [&](size_t source) {
      Packet link = Ethernet{.dst = guest.mac, .src = set.sources_[source]};
      if (tagged)
        link.append(
            Vlan{.vid = guest.vlan.id(),
                 .pcp = guest.priority.value_or(0),
                 .tpid = guest.vlan.tpid() == VlanTag::Tpid::k8021ad ? kEtherTypeQinq : kEtherTypeVlan});
      if (guest.inner_vid) link.append(Vlan{.vid = *guest.inner_vid});
      return link;
    };
    const size_t head = kUdpHead + (tagged ? kVlanSize : 0) + (guest.inner_vid ? kVlanSize : 0) +
                        (options.one_byte_payload ? 1 : 0);
    for (const size_t size : options.sizes) {
      if (auto checked = check_size(fmt::format("guest '{}'", guest.name), size, head); !checked)
        return std::unexpected(checked.error());
      for (size_t i = 0; i < options.members * options.sources; ++i) {
        const auto member = static_cast<uint32_t>(i / options.sources);
        const size_t source = i % options.sources;
        Stream stream;
        stream.id = set.end_id();
        stream.label =
            fmt::format("{} vlan {} size {} member {}", guest.name, guest.vlan.text(), size, member);
        if (options.sources > 1) stream.label += fmt::format(" source {}", source);
        stream.tap = guest.tap;
        stream.member = member;
        stream.guest = guest_index;
        stream.fill_size = size - head;
        stream.sent_head = udp_head(link_from(source), stream.id, source, head,
                                    options.one_byte_payload ? 1 : Stamp::kSize + stream.fill_size);
        stream.delivered_head = stream.sent_head;
        if (tagged && !guest.keep_tag)
          stream.delivered_head.erase(stream.delivered_head.begin() + 12, stream.delivered_head.begin() + 16);
        set.streams_.push_back(std::move(stream));
      }
    }
  }
  return set;
}

Result<StreamSet> StreamSet::of_control(std::span<const Control> kinds, const StreamOptions& options) {
  StreamSet set;
  set.first_id_ = options.first_id;
  set.sources_ = {options.source};
  if (auto checked = check_count(kinds.size() * options.sizes.size() * options.members, options.first_id);
      !checked)
    return std::unexpected(checked.error());
  for (size_t kind_index = 0; kind_index < kinds.size(); ++kind_index) {
    const Control kind = kinds[kind_index];
    for (const size_t size : options.sizes) {
      for (uint32_t member = 0; member < options.members; ++member) {
        Stream stream;
        stream.id = set.end_id();
        stream.label = fmt::format("{} size {} member {}", control_name(kind), size, member);
        stream.member = member;
        stream.guest = kind_index;
        const size_t head =
            kind == Control::kLacp ? kEthernetSize + kSlowHeader.size() + 4 + Stamp::kSize : kUdpHead;
        if (auto checked = check_size(control_name(kind), size, head); !checked)
          return std::unexpected(checked.error());
        stream.fill_size = size - head;
        if (kind == Control::kLacp) {
          std::vector<uint8_t> slow(kSlowHeader.begin(), kSlowHeader.end());
          for (int shift = 24; shift >= 0; shift -= 8)
            slow.push_back(static_cast<uint8_t>(stream.id >> shift));
          slow.resize(slow.size() + Stamp::kSize);
          stream.sent_head = (Ethernet{.dst = kLacpMac, .src = options.source, .ethertype = kEtherTypeSlow} /
                              Payload(std::move(slow)))
                                 .bytes();
        } else {
          const MacAddress dst = kind == Control::kUnknownUnicast ? kUnknownMac
                                 : kind == Control::kMulticast    ? kMulticastMac
                                                                  : kBroadcastMac;
          stream.sent_head = udp_head(Ethernet{.dst = dst, .src = options.source}, stream.id, 0, head,
                                      Stamp::kSize + stream.fill_size);
        }
        stream.delivered_head = stream.sent_head;
        set.streams_.push_back(std::move(stream));
      }
    }
  }
  return set;
}

size_t StreamSet::longest() const {
  size_t longest = 0;
  for (const Stream& stream : streams_) longest = std::max(longest, stream.sent_size());
  return longest;
}

}  // namespace xdpfwd::pktgen

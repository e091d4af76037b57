// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/random_frames.h"

#include <algorithm>

#include "pktgen/packet.h"

namespace xdpfwd::test {
namespace {

constexpr size_t kLargestFrame = 9018;
constexpr uint32_t kAbsentIfindex = 0x00ffffff;

const std::vector<uint16_t> kVlanIds = {0, 1, 2, 100, 101, 4094, 4095};
const std::vector<uint16_t> kTpids = {kEtherTypeVlan, kEtherTypeVlan, kEtherTypeVlan,
                                      kEtherTypeQinq, kEtherTypeQinq, 0x9100};
const std::vector<uint32_t> kSlots = {0, 1, 2, 3, 64, 100, 2048, XDPFWD_MAX_PORTS - 1};
const std::vector<uint32_t> kWrongSlots = {5, XDPFWD_MAX_PORTS, XDPFWD_MAX_PORTS + 1, UINT32_MAX};
const std::vector<uint32_t> kLimits = {0, 14, 60, 64, 118, 1514, 1518, 1518, 1518, 9018};

const std::vector<MacAddress> kMacs = {
    "52:54:00:00:00:01"_mac, "52:54:00:00:00:02"_mac, "52:54:00:00:01:00"_mac, "52:54:00:01:00:00"_mac,
    "02:00:00:00:00:01"_mac, "00:00:00:00:00:00"_mac, "fe:ff:ff:ff:ff:ff"_mac, "00:80:c2:00:00:02"_mac};
const std::vector<MacAddress> kGroupMacs = {kBroadcastMac,
                                            kMulticastMac,
                                            kStpMac,
                                            kLacpMac,
                                            "01:80:c2:00:00:0f"_mac,
                                            "01:80:c2:00:00:10"_mac,
                                            "33:33:00:00:00:01"_mac,
                                            "03:80:c2:00:00:02"_mac};

// Heads of frames, their MAC addresses to be replaced.
std::vector<std::vector<uint8_t>> make_templates(bool tagged) {
  const std::vector<Packet> bodies = {Packet(Ipv4{}) / Udp{}, Packet(Ipv6{}) / Udp{},
                                      Packet(Payload::of_size(4)), Packet()};
  std::vector<Packet> heads;
  if (!tagged) heads.emplace_back(Ethernet{});
  for (const uint16_t outer : {kEtherTypeVlan, kEtherTypeQinq}) {
    if (!tagged) break;
    for (const uint16_t vid : kVlanIds) {
      const Vlan tag{.vid = vid, .pcp = static_cast<uint8_t>(vid & 7), .dei = (vid & 1) != 0, .tpid = outer};
      heads.push_back(Ethernet{} / tag);
      heads.push_back(Ethernet{} / tag / Vlan{.vid = 100});
      heads.push_back(Ethernet{} / tag / Vlan{.vid = 1, .tpid = kEtherTypeQinq} / Vlan{.vid = 2});
    }
  }
  std::vector<std::vector<uint8_t>> templates;
  for (const Packet& head : heads) {
    for (const Packet& body : bodies) templates.push_back((head / body).bytes());
  }
  return templates;
}

}  // namespace

RandomWorld::RandomWorld(uint64_t seed, std::vector<uint32_t> devices)
    : random_(seed),
      devices_(std::move(devices)),
      tagged_(make_templates(true)),
      untagged_(make_templates(false)),
      noise_(2 * kLargestFrame) {
  for (uint8_t& byte : noise_) byte = static_cast<uint8_t>(random_());
  frame_.reserve(kLargestFrame);
  next_world();
}

const World& RandomWorld::next_world() {
  world_ = {};
  keys_.clear();
  const uint64_t flags = below(8);
  world_.member_flags =
      (flags != 0 ? XDPFWD_MEMBER_ACTIVE : 0U) | (one_in(2) ? uint32_t{XDPFWD_MEMBER_DROP_REFLECTED} : 0U);
  for (const uint32_t ifindex : devices_) {
    if (!one_in(8)) world_.devices.insert(ifindex);
  }
  for (const uint32_t slot : kSlots) {
    if (one_in(12)) continue;
    const uint32_t ifindex = one_in(10) ? 0 : one_in(10) ? kAbsentIfindex : pick(devices_);
    world_.ports[slot] = {ifindex, pick(kLimits)};
  }
  for (const MacAddress mac : kMacs) {
    for (const uint16_t vid : kVlanIds) {
      for (const bool ad : {false, true}) {
        if (vid == 4095 || (vid == 0 && ad) || !one_in(2)) continue;
        // Nobody's, which the configuration refuses; in the table's memory it would be a free row.
        if (mac.is_zero() && vid == 0) continue;
        const FdbKey key =
            FdbKey::make(mac, VlanTag::from_abi(static_cast<uint16_t>(vid | (ad ? XDPFWD_VLAN_8021AD : 0))));
        world_.rows[key] = {one_in(20) ? pick(kWrongSlots) : pick(kSlots),
                            one_in(3) ? uint32_t{XDPFWD_FDB_KEEP_TAG} : 0U};
        keys_.push_back(key);
      }
    }
  }
  return world_;
}

size_t RandomWorld::random_length() {
  switch (below(16)) {
    case 0:
      return 14 + below(8);
    case 1:
      return 3500 + below(40);  // around the end of the first buffer
    case 2:
      return below(kLargestFrame);
    case 3:
      return 1510 + below(16);
    case 4:
      return 56 + below(16);
    case 5:
      return 60 + below(2940);
    default:
      return 60 + below(70);
  }
}

void RandomWorld::write_mac(size_t at, MacAddress mac) {
  std::copy(mac.bytes().begin(), mac.bytes().end(), frame_.begin() + static_cast<ptrdiff_t>(at));
}

// A head in frame_, and a descriptor's tag if there shall be one: half of the time for a row of the table.
std::optional<DescriptorTag> RandomWorld::make_head(bool with_tag) {
  std::optional<DescriptorTag> tag;
  const auto priority = static_cast<uint16_t>(random_() & 0xf000);
  if (with_tag) tag = DescriptorTag{pick(kTpids), static_cast<uint16_t>(priority | pick(kVlanIds))};
  const std::optional<FdbKey> key = one_in(2) && !keys_.empty() ? std::optional(pick(keys_)) : std::nullopt;
  if (!key) {
    frame_ = pick(one_in(2) ? tagged_ : untagged_);
  } else {
    const VlanTag vlan = key->vlan();
    const uint16_t tpid = vlan.tpid() == VlanTag::Tpid::k8021ad ? kEtherTypeQinq : kEtherTypeVlan;
    const auto tci = static_cast<uint16_t>(priority | vlan.id());
    if (tag) {
      tag = DescriptorTag{tpid, tci};
      frame_ = pick(one_in(4) ? tagged_ : untagged_);
    } else if (vlan.id() == 0) {
      frame_ = pick(untagged_);
    } else {
      frame_ = pick(tagged_);
      for (size_t i = 0; i < 2; ++i) {
        frame_[12 + i] = static_cast<uint8_t>(tpid >> (8 - 8 * i));
        frame_[14 + i] = static_cast<uint8_t>(tci >> (8 - 8 * i));
      }
    }
  }
  write_mac(0, key ? key->mac() : one_in(3) ? pick(kGroupMacs) : pick(kMacs));
  write_mac(6, one_in(12) ? pick(kGroupMacs) : one_in(3) ? pick(kMacs) : kGatewayMac);
  return tag;
}

Input RandomWorld::next_frame(bool any_length) {
  const auto noise = noise_.begin() + static_cast<ptrdiff_t>(below(kLargestFrame));
  Input input;
  if (one_in(2)) input.program = Program::kHint;
  input.tag = make_head(input.program == Program::kHint && !one_in(3));
  if (one_in(64)) {
    frame_.assign(noise, noise + static_cast<ptrdiff_t>(below(120)));  // anything at all
  } else {
    const size_t length = random_length();
    if (length > frame_.size()) {
      frame_.insert(frame_.end(), noise, noise + static_cast<ptrdiff_t>(length - frame_.size()));
    } else if (one_in(2)) {
      frame_.resize(length);
    }
    if (one_in(4)) {
      // Mutations where the program looks.
      for (uint64_t i = 1 + below(3); i > 0 && !frame_.empty(); --i) {
        uint8_t& byte = frame_[below(std::min<size_t>(frame_.size(), 22))];
        byte = one_in(2) ? static_cast<uint8_t>(byte ^ 1U << below(8)) : static_cast<uint8_t>(random_());
      }
    }
  }
  if (!any_length && frame_.size() < 14) frame_.resize(14);
  input.frame = frame_;

  // As the kernel's test run splits by itself, or anywhere.
  constexpr size_t kTestRunFirstBuffer = 4096 - 256 - 320;
  input.first_buffer = kTestRunFirstBuffer;
  if (one_in(32)) {
    input.first_buffer = below(one_in(2) ? 24 : 1600);
  } else if (any_length && one_in(32)) {
    input.metadata = one_in(2) ? kRoomBeforeFrame : 4 * below(kRoomBeforeFrame / 4 + 1);
  }
  return input;
}

Input RandomWorld::next_wire_frame() {
  Input input{.program = Program::kHint};
  input.tag = make_head(!one_in(3));
  // What the kernel's own VLAN code can put into a descriptor.
  if (input.tag && input.tag->tpid != kEtherTypeQinq) input.tag->tpid = kEtherTypeVlan;
  if (one_in(4)) {
    uint8_t& byte = frame_[below(16)];
    byte = static_cast<uint8_t>(byte ^ 1U << below(8));
  }
  const size_t length = one_in(8) ? 60 + below(1454) : one_in(8) ? 1500 + below(15) : 60 + below(70);
  const auto noise = noise_.begin() + static_cast<ptrdiff_t>(below(kLargestFrame));
  if (length > frame_.size()) {
    frame_.insert(frame_.end(), noise, noise + static_cast<ptrdiff_t>(length - frame_.size()));
  }
  frame_.resize(length);
  input.frame = frame_;
  return input;
}

}  // namespace xdpfwd::test

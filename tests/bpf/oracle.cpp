// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/oracle.h"

#include <linux/bpf.h>

#include <algorithm>

namespace xdpfwd::test {
namespace {

using Bytes = std::span<const uint8_t>;

uint16_t field16(Bytes bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

MacAddress mac_at(Bytes bytes, size_t at) {
  uint64_t bits = 0;
  for (size_t i = 0; i < 6; ++i) bits = bits << 8 | bytes[at + i];
  return MacAddress::from_bits(bits);
}

bool is_vlan_tpid(uint16_t tpid) {
  return tpid == 0x8100 || tpid == 0x88a8;
}

struct Tag {
  uint16_t tpid;
  uint16_t tci;
  bool in_frame;
};

// A frame taken apart.
struct Decoded {
  MacAddress dst, src;
  std::optional<Tag> outer;
  Bytes macs;  // 12 bytes
  Bytes rest;  // all behind the MAC addresses and the outer tag, beginning with an EtherType
};

enum class Defect { kNone, kNoHeader, kNoTag };

Defect decode(const Input& input, Decoded& frame) {
  const Bytes seen = input.frame.first(input.linear());
  if (seen.size() < 14) return Defect::kNoHeader;
  frame.dst = mac_at(seen, 0);
  frame.src = mac_at(seen, 6);
  frame.macs = input.frame.first(12);
  frame.rest = input.frame.subspan(12);
  if (input.program == Program::kHint && input.tag) {
    frame.outer = Tag{input.tag->tpid, input.tag->tci, false};
  } else if (const uint16_t type = field16(seen, 12); is_vlan_tpid(type)) {
    if (seen.size() < 18) return Defect::kNoTag;
    frame.outer = Tag{type, field16(seen, 14), true};
    frame.rest = input.frame.subspan(16);
  }
  return Defect::kNone;
}

// The VLAN that the frame is in. Empty: one that no table knows.
std::optional<VlanTag> vlan_of(const Decoded& frame) {
  if (!frame.outer) return VlanTag();
  const uint16_t vid = frame.outer->tci % 4096;
  if (vid == 0) return VlanTag();
  switch (frame.outer->tpid) {
    case 0x8100:
      return VlanTag::from_abi(vid);
    case 0x88a8:
      return VlanTag::from_abi(static_cast<uint16_t>(vid + XDPFWD_VLAN_8021AD));
    default:
      return std::nullopt;
  }
}

const xdpfwd_fdb_value* find_row(const World& world, MacAddress mac, std::optional<VlanTag> vlan) {
  if (!vlan) return nullptr;
  const auto found = world.rows.find(FdbKey::make(mac, *vlan));
  return found == world.rows.end() ? nullptr : &found->second;
}

uint32_t verdict_of(xdpfwd_reason reason) {
  switch (reason) {
    case XDPFWD_REASON_FORWARDED:
      return XDP_REDIRECT;
    case XDPFWD_REASON_RUNT:
    case XDPFWD_REASON_TRUNCATED_TAG:
    case XDPFWD_REASON_REFLECTED_DROP:
      return XDP_DROP;
    default:
      return XDP_PASS;
  }
}

// The frame as the guest of this row sees it.
void deliver(const Decoded& frame, const xdpfwd_fdb_value& row, std::vector<uint8_t>& out) {
  out.assign(frame.macs.begin(), frame.macs.end());
  if (frame.outer && (row.flags & XDPFWD_FDB_KEEP_TAG) != 0) {
    for (const uint16_t word : {frame.outer->tpid, frame.outer->tci}) {
      out.push_back(static_cast<uint8_t>(word >> 8));
      out.push_back(static_cast<uint8_t>(word & 0xff));
    }
  }
  out.insert(out.end(), frame.rest.begin(), frame.rest.end());
}

xdpfwd_reason decide(const World& world, const Input& input, Prediction& prediction) {
  const bool in_one_buffer = input.linear() == input.frame.size();
  Decoded frame;
  const Defect defect = decode(input, frame);
  if (defect == Defect::kNoHeader) return in_one_buffer ? XDPFWD_REASON_RUNT : XDPFWD_REASON_FRAGS;
  if (frame.dst.bits() >> 4 == 0x0180c200000) return XDPFWD_REASON_RESERVED;
  if (defect == Defect::kNoTag) return in_one_buffer ? XDPFWD_REASON_TRUNCATED_TAG : XDPFWD_REASON_FRAGS;

  const std::optional<VlanTag> vlan = vlan_of(frame);
  const xdpfwd_fdb_value* row = frame.dst.is_group() ? nullptr : find_row(world, frame.dst, vlan);
  if (row == nullptr) {
    if (find_row(world, frame.src, vlan) != nullptr) {
      return (world.member_flags & XDPFWD_MEMBER_DROP_REFLECTED) != 0 ? XDPFWD_REASON_REFLECTED_DROP
                                                                      : XDPFWD_REASON_REFLECTED;
    }
    return frame.dst.is_group() ? XDPFWD_REASON_GROUP : XDPFWD_REASON_MISS;
  }
  if ((world.member_flags & XDPFWD_MEMBER_ACTIVE) == 0) return XDPFWD_REASON_INACTIVE;
  if (!in_one_buffer) return XDPFWD_REASON_FRAGS;
  const auto port = world.ports.find(row->slot);
  if (port == world.ports.end() || port->second.ifindex == 0) return XDPFWD_REASON_PORT_CLOSED;

  deliver(frame, *row, prediction.frame);
  xdpfwd_reason refusal = XDPFWD_REASON_FORWARDED;
  if (prediction.frame.size() > port->second.max_len) {
    refusal = XDPFWD_REASON_TOO_LONG;
  } else if (!world.devices.contains(port->second.ifindex)) {
    refusal = XDPFWD_REASON_PORT_CLOSED;
  } else if (prediction.frame.size() > input.frame.size() + (kRoomBeforeFrame - input.metadata)) {
    refusal = XDPFWD_REASON_NO_ROOM;
  } else {
    prediction.slot = row->slot;
  }
  return refusal;
}

}  // namespace

void predict(const World& world, const Input& input, Prediction& prediction) {
  prediction.slot.reset();
  prediction.reason = decide(world, input, prediction);
  prediction.verdict = verdict_of(prediction.reason);
  if (!prediction.slot) prediction.frame.assign(input.frame.begin(), input.frame.end());
}

void Prediction::count(Counters& counters) const {
  ++counters.member.packets[reason];
  if (!slot) return;
  xdpfwd_port_stats& port = counters.ports[*slot];
  ++port.packets;
  port.bytes += frame.size();
}

}  // namespace xdpfwd::test

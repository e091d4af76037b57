// SPDX-License-Identifier: BSD-2-Clause
// What a test puts before the uplink program: the tables (World), one frame (Input), and what came out
// (Output). Plain values, shared by the oracle and by the two engines that run the program: the kernel and
// this process.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "bpf/abi.h"
#include "core/net.h"

namespace xdpfwd::test {

struct PortFacts {
  uint32_t ifindex = 0;
  uint32_t max_len = 0;
  uint32_t relearn_s = 0;
  bool operator==(const PortFacts&) const = default;
};

// What bpf/fdb.h says of the table, unless a loader sets something else.
inline constexpr uint32_t kTestTableRows = 65536;
inline constexpr uint64_t kTestTableSeed = 1;

struct World {
  std::map<FdbKey, xdpfwd_fdb_value> rows;
  std::map<uint32_t, PortFacts> ports;  // by slot; a slot that is not here has ifindex 0
  std::set<uint32_t> devices;           // what the devmap holds, by ifindex
  uint32_t member_flags = XDPFWD_MEMBER_ACTIVE;
};

// A tag as a NIC's descriptor says it.
struct DescriptorTag {
  uint16_t tpid = 0x8100;
  uint16_t tci = 0;
};

enum class Program { kFrame, kHint };

inline constexpr size_t kWholeFrame = SIZE_MAX;

// The room that a driver leaves before a frame, less what the kernel keeps there for itself
// (XDP_PACKET_HEADROOM - sizeof(struct xdp_frame) on 64 bits).
inline constexpr size_t kRoomBeforeFrame = 256 - 40;

struct Input {
  std::span<const uint8_t> frame;
  Program program = Program::kFrame;
  std::optional<DescriptorTag> tag;   // what the descriptor says; for kHint
  size_t first_buffer = kWholeFrame;  // so many bytes are in the first buffer; the rest is in others
  size_t metadata = 0;                // bytes of metadata before the frame: that much less room to grow

  [[nodiscard]] size_t linear() const { return first_buffer < frame.size() ? first_buffer : frame.size(); }
};

struct Output {
  uint32_t verdict = 0;
  std::vector<uint8_t> frame;
};

struct Counters {
  xdpfwd_member_stats member{};                 // of our member; the others are checked to stay at zero
  std::map<uint32_t, xdpfwd_port_stats> ports;  // those that are not zero
};

inline bool operator==(const Counters& a, const Counters& b) {
  for (size_t i = 0; i < XDPFWD_REASON_COUNT; ++i) {
    if (a.member.packets[i] != b.member.packets[i]) return false;
  }
  auto same = [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.packets == y.second.packets && x.second.bytes == y.second.bytes;
  };
  return a.ports.size() == b.ports.size() &&
         std::equal(a.ports.begin(), a.ports.end(), b.ports.begin(), same);
}

}  // namespace xdpfwd::test

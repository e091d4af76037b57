// SPDX-License-Identifier: BSD-2-Clause
// Intent + what is there -> the State we want. Decides which taps can take frames, which slot each gets,
// which NICs are members and where each finds its VLAN tag. Pure.
#pragma once

#include <vector>

#include "core/intent.h"
#include "core/report.h"
#include "core/state.h"

namespace xdpfwd {

// Members that an operator detached; they stay so until the next reload or start.
struct Hold {
  bool all = false;
  std::vector<InterfaceName> members;
};

struct Desired {
  State state;                        // no links
  bool waits_for_bond = false;        // a member is not attached yet, because another has just been
  std::vector<Problem> problems;      // what is wanted and cannot be now
  std::vector<PortState> tap_states;  // by index of Intent::taps
};

// `settling`: NICs that were attached a moment ago, by ifindex. Attaching resets many NICs (mlx5, igb:
// seconds without link), so the members of a bond are attached one after the other, each when the one before
// is back.
Desired compile(const Intent& intent, const State& observed, const std::vector<Refusal>& refusals,
                const Hold& hold, const std::vector<uint32_t>& settling = {});

// Whether a redirect to this tap would arrive; nullptr = it does not exist.
PortState tap_state(const Link* link);

// The longest frame that the kernel lets through to a device of this MTU: Ethernet header and one tag more.
inline constexpr uint32_t max_frame_len(uint32_t mtu) {
  return mtu + 14 + 4;
}

// The NICs that the configured devices stand for: a bond stands for its members. Each once, sorted by
// ifindex.
std::vector<const Link*> resolve_members(const std::vector<InterfaceName>& devices, const State& observed,
                                         std::vector<Problem>* problems);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Counters at one moment, summed over CPUs. They only grow, until a slot gets another name.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bpf/abi.h"

namespace xdpfwd {

struct PortSample {
  uint32_t slot = 0;
  uint64_t packets = 0;                              // redirected to the tap
  uint64_t bytes = 0;                                // of those, as delivered, without FCS
  uint64_t relearned = 0;                            // passed to the stack instead, by reason relearn
  std::array<uint64_t, XDPFWD_LOSS_COUNT> losses{};  // of `packets`, lost after the verdict
  bool operator==(const PortSample&) const = default;
};

struct MemberSample {
  uint32_t slot = 0;
  std::array<uint64_t, XDPFWD_REASON_COUNT> packets{};
  bool operator==(const MemberSample&) const = default;
};

struct Sample {
  std::vector<PortSample> ports;      // named slots only, sorted by slot
  std::vector<MemberSample> members;  // sorted by slot
  bool operator==(const Sample&) const = default;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The table of cases: one frame each, what is in the tables, and what must come out, byte for byte. Written
// by hand, independent of the oracle, which is held against it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/bpf/world.h"

namespace xdpfwd::test {

struct Scenario {
  std::string name;
  World world;
  std::vector<uint8_t> frame;
  // Which program runs. Without a descriptor tag both must do the same, and both are run.
  std::optional<DescriptorTag> tag;
  size_t first_buffer = kWholeFrame;
  size_t metadata = 0;

  // What must come out.
  uint32_t verdict = 0;
  xdpfwd_reason reason = XDPFWD_REASON_MISS;
  std::optional<uint32_t> slot;
  std::vector<uint8_t> delivered;  // when forwarded; otherwise the frame as it came
};

// `devices`: two or more ifindexes that exist, for the ports of the table.
const std::vector<Scenario>& scenarios(const std::vector<uint32_t>& devices);

const char* reason_name(uint32_t reason);

}  // namespace xdpfwd::test

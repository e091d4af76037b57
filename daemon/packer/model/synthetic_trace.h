// SPDX-License-Identifier: BSD-2-Clause
// Load traces made by formula from a seed: what a hypervisor's NIC queues see of up to a thousand guests.
// docs/packing.md says what each is.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "packer/model/trace.h"

namespace xdpfwd::packer {

struct SyntheticSettings {
  uint32_t queues = 128;
  uint32_t guests = 1000;
  uint64_t seed = 1;
  double load = 28.8;    // CPUs, on average over the trace or, where it has bursts, before them
  float cost_ns = 800;   // a frame
  uint32_t seconds = 0;  // 0: the kind's own
};

struct SyntheticKind {
  std::string_view name;
  std::string_view description;
  uint32_t seconds;
};
const std::vector<SyntheticKind>& synthetic_kinds();

Result<std::unique_ptr<Trace>> make_synthetic(std::string_view name, const SyntheticSettings& settings);

}  // namespace xdpfwd::packer

// SPDX-License-Identifier: BSD-2-Clause
// One load trace, replayed on the host model under each contender side by side, and what came of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "packer/host.h"
#include "packer/model/fluid_host.h"
#include "packer/model/trace.h"

namespace xdpfwd::packer {

struct SimulationSettings {
  HostModel host;
  PackerSettings packer;
  uint32_t warm_up = 10 * kStepsPerSecond;  // steps that are not counted; at most a third of the trace
  uint64_t seed = 1;                        // of the scheduler's chances
};

struct ContenderResult {
  std::string name;
  FluidHost::Figures figures;
};

struct SimulationResult {
  std::string trace;
  uint64_t seed = 0;
  double seconds = 0;  // that were counted
  size_t napis = 0;
  std::vector<ContenderResult> contenders;  // the packer first, the oracle last
  double fewest_cpus = 0;                   // no packing to the mark uses fewer, mean over the intervals
  double settled_s =
      -1;  // from the start until the packer first uses 1.15 times the oracle's CPUs; -1: never

  [[nodiscard]] const FluidHost::Figures& of(std::string_view contender) const;
  [[nodiscard]] double cpus_over_oracle() const;
  [[nodiscard]] double cpus_saved_percent() const;  // of those of one CPU a NAPI
};

Result<SimulationResult> simulate(std::string name, Trace& trace, const SimulationSettings& settings);

}  // namespace xdpfwd::packer

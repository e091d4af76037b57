// SPDX-License-Identifier: BSD-2-Clause
// What simulations found, for people and for programs. docs/packing.md says what each figure is.
#pragma once

#include <span>
#include <string>

#include "packer/model/simulate.h"

namespace xdpfwd::packer {

// A table a trace.
std::string simulation_text(const SimulationResult& result);

// One line, {"trace":{NAME:{"cpus_over_oracle":…,"overload_percent":…,"cpus_saved_percent":…,…}}}. A trace
// that was run with several seeds has the worst of each of the three figures, and every seed's under "seeds".
std::string simulation_json(std::span<const SimulationResult> results);

}  // namespace xdpfwd::packer

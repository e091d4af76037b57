// SPDX-License-Identifier: BSD-2-Clause
// Where and with what a figure was measured: what a reader needs to know before believing it.
#pragma once

#include <nlohmann/json.hpp>

#include "bench/scenario.h"

namespace xdpfwd::bench {

// Commit and version of this program, kernel and its boot options, CPU, memory, load, versions of the
// contenders. "same" in it is what must not change between two parts of one run: not how it was said.
nlohmann::json describe_environment(const RunOptions& options, const std::vector<std::string>& flags);
// The same of a scenario in the lab: this machine only ran the emulator. The guest tells its own kernel and
// versions.
nlohmann::json of_the_lab(nlohmann::json environment);

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// What the controller of mode auto costs: the daemon's CPU time while it packs 128 NAPI threads at rest.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace xdpfwd::bench {

inline constexpr unsigned kPackedNapis = 128;

// Percent of a CPU, one figure for each period of `seconds`. On a stage (stage.h). `daemon` is the path of
// xdpfwd, with xdpctl beside it.
Result<std::vector<double>> cost_of_packing(const std::string& daemon, const std::string& bpffs,
                                            unsigned repetitions, unsigned seconds);

}  // namespace xdpfwd::bench

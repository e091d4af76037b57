// SPDX-License-Identifier: BSD-2-Clause
// What a rig's contender can take while somebody reads its tap: the load of which half a percent is lost.
#pragma once

#include "bench/scenario.h"

namespace xdpfwd::bench {

// Packets a second; 0: not even the least. The rig is awake.
Result<double> find_pdr(const Run& run, Rig& rig);

}  // namespace xdpfwd::bench

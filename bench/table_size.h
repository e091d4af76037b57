// SPDX-License-Identifier: BSD-2-Clause
// Which contenders can hold how many static entries.
#pragma once

#include <vector>

#include "bench/scenario.h"

namespace xdpfwd::bench {

// Those that can. The others are left out of this size, and the reason is told.
std::vector<const ContenderKind*> holders_of(Run& run, std::vector<const ContenderKind*> present,
                                             double macs);

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// Which contenders can hold how many static entries.
#pragma once

#include <string>
#include <vector>

#include "bench/scenario.h"

namespace xdpfwd::bench {

// Why it cannot hold so many; empty: it can.
std::string too_many_macs(const std::string& contender, double macs);

// Those that can. The others are left out of this size, and the reason is told.
std::vector<const ContenderKind*> holders_of(Run& run, std::vector<const ContenderKind*> present,
                                             double macs);

}  // namespace xdpfwd::bench

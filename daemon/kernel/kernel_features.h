// SPDX-License-Identifier: BSD-2-Clause
// Whether this kernel has what we use, found out by trying it: distributions backport, and leave out.
#pragma once

#include <vector>

#include "core/host_facts.h"

namespace xdpfwd {

std::vector<KernelFeature> try_kernel_features();

}  // namespace xdpfwd

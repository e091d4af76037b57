// SPDX-License-Identifier: BSD-2-Clause
// Which process has a tap open, and what it set that the tap itself does not tell: by a look at its
// descriptors.
#pragma once

#include <vector>

#include "core/host_facts.h"
#include "kernel/host_file.h"

namespace xdpfwd {

// Of these taps (name and ifindex). Needs root; processes that cannot be looked at are left out.
std::vector<TapReader> find_tap_readers(const std::vector<Link>& taps, const HostRoots& roots);

}  // namespace xdpfwd

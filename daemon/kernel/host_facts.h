// SPDX-License-Identifier: BSD-2-Clause
// Reads what a host is and has: kernel features by trying them, links, drivers, taps and who reads them.
// Nothing is changed, nothing is attached; everything is bounded.
#pragma once

#include <vector>

#include "core/host_facts.h"
#include "kernel/host_file.h"

namespace xdpfwd {

HostFacts read_host_facts(const Settings& settings, const std::vector<Guest>& guests,
                          const HostRoots& roots = {});

}  // namespace xdpfwd

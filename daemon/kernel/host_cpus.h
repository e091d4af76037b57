// SPDX-License-Identifier: BSD-2-Clause
// The CPUs that are online, the NUMA node of each, and those that the host keeps for others.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/host_file.h"

namespace xdpfwd {

struct HostCpus {
  std::vector<uint32_t> cpus;         // sorted
  std::vector<int32_t> numa_of_cpus;  // by index of `cpus`; -1 = none
  std::vector<uint32_t> isolated;     // of `cpus`, sorted
};

Result<HostCpus> read_cpus(const HostRoots& roots);

}  // namespace xdpfwd

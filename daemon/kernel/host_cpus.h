// SPDX-License-Identifier: BSD-2-Clause
// The CPUs that are online, the NUMA node and the core of each, and those that the host keeps for others.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/host_file.h"

namespace xdpfwd {

struct HostCpus {
  std::vector<uint32_t> cpus;         // sorted
  std::vector<int32_t> numa_of_cpus;  // by index of `cpus`; -1 = none
  // Likewise: the first of the CPUs that share its core (SMT siblings); itself where the kernel does not
  // tell.
  std::vector<uint32_t> core_of_cpus;
  std::vector<uint32_t> isolated;  // of `cpus`, sorted
};

Result<HostCpus> read_cpus(const HostRoots& roots);

}  // namespace xdpfwd

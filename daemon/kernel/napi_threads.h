// SPDX-License-Identifier: BSD-2-Clause
// The threads of a device's NAPI instances by their names, "napi/eth0-8193": how a kernel before 6.8 tells
// of instances at all. Anybody may call a process so; only the kernel's own threads count.
#pragma once

#include <vector>

#include "core/net.h"
#include "kernel/host_file.h"
#include "kernel/napi_instance.h"

namespace xdpfwd {

// Whether kernel threads are seen from here, which they are in the first PID namespace alone. In another one
// Linux 6.18 tells no number of a thread; one that tells it all the same would mean somebody else.
bool sees_kernel_threads(const HostRoots& roots);

// Sorted by id, each id once. A device of the same name in another network namespace has such threads, too:
// they cannot be told apart, and are listed.
std::vector<NapiInstance> find_napi_threads(const HostRoots& roots, const InterfaceName& device);

}  // namespace xdpfwd

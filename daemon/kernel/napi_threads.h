// SPDX-License-Identifier: BSD-2-Clause
// The threads of a device's NAPI instances by their names, "napi/eth0-8193": how a kernel before 6.8 tells
// of instances at all. Anybody may call a process so; only the kernel's own threads count.
#pragma once

#include <vector>

#include "core/net.h"
#include "kernel/host_file.h"
#include "kernel/napi_instance.h"

namespace xdpfwd {

// Sorted by id, each id once. A device of the same name in another network namespace has such threads, too:
// they cannot be told apart, and are listed.
std::vector<NapiInstance> find_napi_threads(const HostRoots& roots, const InterfaceName& device);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// How long the threads of NAPI instances ran, and waited for a CPU: /proc/PID/schedstat, which is exact where
// the kernel's ticks see nothing of a thread that sleeps between them.
#pragma once

#include <memory>
#include <vector>

#include "kernel/host_file.h"
#include "kernel/kernel.h"
#include "kernel/netdev_family.h"

namespace xdpfwd {

// ESRCH: one of them has no thread.
Result<std::unique_ptr<ThreadMeter>> meter_threads(NetdevFamily& netdev, const HostRoots& roots,
                                                   const std::vector<NapiThread>& threads);

}  // namespace xdpfwd

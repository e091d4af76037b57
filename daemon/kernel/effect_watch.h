// SPDX-License-Identifier: BSD-2-Clause
// Watches what NICs do: a program on the kernel's tracepoints, attached as long as the watch exists, and the
// counters that the kernel and drivers keep anyway. What the counts mean is decided elsewhere.
#pragma once

#include <memory>
#include <vector>

#include "kernel/ethtool.h"
#include "kernel/host_file.h"
#include "kernel/kernel.h"

namespace xdpfwd {

// For the NICs in `nics`, in our network namespace.
Result<std::unique_ptr<EffectWatch>> watch_effect(const std::vector<TunedDevice>& nics,
                                                  const HostRoots& roots = {});

}  // namespace xdpfwd

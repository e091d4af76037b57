// SPDX-License-Identifier: BSD-2-Clause
// A program on a device's tc hooks, by tcx link, or on its ingress by the older clsact filter. In the calling
// thread's namespace.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd::pktgen {

enum class TcxSide { kIngress, kEgress };

// The link holds it. Needs Linux 6.6.
Result<UniqueFd> attach_tcx(int program, uint32_t ifindex, TcxSide side = TcxSide::kIngress);
// Stays with the device.
Result<void> attach_clsact(int program, uint32_t ifindex);

}  // namespace xdpfwd::pktgen

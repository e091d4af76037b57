// SPDX-License-Identifier: BSD-2-Clause
// A program on a device's tc ingress, by tcx link or by the older clsact filter. In the calling thread's
// namespace.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd::pktgen {

// The link holds it. Needs Linux 6.6.
Result<UniqueFd> attach_tcx(int program, uint32_t ifindex);
// Stays with the device.
Result<void> attach_clsact(int program, uint32_t ifindex);

}  // namespace xdpfwd::pktgen

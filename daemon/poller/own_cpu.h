// SPDX-License-Identifier: BSD-2-Clause
// The CPU that the poller's thread has to itself: puts it there, or says why that cannot be.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace xdpfwd::poller {

Result<void> move_to_cpu(uint32_t cpu);

}  // namespace xdpfwd::poller

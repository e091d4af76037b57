// SPDX-License-Identifier: BSD-2-Clause
// The CPU that the poller has to itself: puts it there, or a thread of NAPI, or says why that cannot be.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"

namespace xdpfwd::poller {

Result<void> move_to_cpu(uint32_t cpu);
// EPERM: without CAP_SYS_NICE only one's own is moved.
Result<void> set_cpu(pid_t thread, uint32_t cpu);

}  // namespace xdpfwd::poller

// SPDX-License-Identifier: BSD-2-Clause
// Gives up capabilities, for good: what polling still needs is kept, and no more can come.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace xdpfwd::poller {

// `kept`: capabilities as bits; what the process did not have it does not get.
Result<void> keep_capabilities(uint64_t kept);

}  // namespace xdpfwd::poller

// SPDX-License-Identifier: BSD-2-Clause
// Whether the kernel has tcx, tried on loopback in the stage.
#pragma once

#include "base/result.h"

namespace xdpfwd::bench {

Result<void> probe_tcx();

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// The first goal: no CPU over the mark. Takes NAPIs from the CPUs that are, and puts each where there is
// room. Costs as many moves as it takes; when the time is right for emptying CPUs again is not its business.
#pragma once

#include "packer/board.h"
#include "packer/host.h"

namespace xdpfwd::packer {

void relieve(Board& board, const PackerSettings& settings);

}  // namespace xdpfwd::packer

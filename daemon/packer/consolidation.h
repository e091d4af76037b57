// SPDX-License-Identifier: BSD-2-Clause
// The second goal: as few CPUs as possible. Empties one CPU after the other into the room that the rest has
// below the target, by what the whole window remembers, and so only ever lowers the number of CPUs. Then the
// last goal: a CPU far from the NIC against a free one near it. Which CPUs are calm enough is the packer's to
// say.
#pragma once

#include <cstdint>
#include <vector>

#include "packer/board.h"
#include "packer/host.h"

namespace xdpfwd::packer {

// `calm`: of each CPU, whether it may be emptied.
void consolidate(Board& board, const PackerSettings& settings, const std::vector<uint8_t>& calm);

// One CPU's NAPIs to a free CPU of a core of its own: that is remote for fewer of them, or, where a sibling
// is used as well, whatever it is remote for. True if there was one.
bool move_nearer(Board& board, const PackerSettings& settings);

}  // namespace xdpfwd::packer

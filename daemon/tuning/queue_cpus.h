// SPDX-License-Identifier: BSD-2-Clause
// Which CPU serves which queue. A queue of the same number is on the same CPU on every member, so that one
// CPU alone fills a guest's tap whichever member its frames come by.
#pragma once

#include <cstdint>
#include <vector>

#include "core/setting.h"
#include "tuning/remark.h"
#include "tuning/undo_log.h"
#include "tuning/wish.h"

namespace xdpfwd {

// The CPUs that queues are spread over, in the order in which queues get them; queue q is on [q % size].
// Empty when interrupts are to be left alone, or nothing is left of the list that was given.
//   given: that list, without what is not online
//   auto:  those that the host has not isolated and those that guests ask for; of the NICs' own NUMA nodes
//          first, and of a node one of each core first, its SMT siblings after; a CPU that a guest asks for
//          is among the first `queues`
std::vector<uint32_t> choose_cpus(const Wish& wish, const HostTuning& host, uint32_t queues,
                                  std::vector<Remark>& remarks);

// How many of them there are, as far as nothing is kept.
size_t count_cpus(const Wish& wish, const HostTuning& host);

// The CPU of each queue of a NIC where its interrupts are left alone: as observed, or as it is about to be
// put back. UINT32_MAX: none, or several.
std::vector<uint32_t> observed_cpus(const HostTuning& host, const Nic& nic, const UndoLog& log);

}  // namespace xdpfwd

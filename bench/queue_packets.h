// SPDX-License-Identifier: BSD-2-Clause
// What each queue got of a trial. Where frames are said to come by several, none may be without any.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "bench/result_file.h"

namespace xdpfwd::bench {

// queue0_packets, queue1_packets, ... of a driver's counters before and after; an error names a queue that
// got none.
Result<Metrics> packets_by_queue(const std::vector<uint64_t>& before, const std::vector<uint64_t>& after);

}  // namespace xdpfwd::bench

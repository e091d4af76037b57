// SPDX-License-Identifier: BSD-2-Clause
#include "bench/queue_packets.h"

#include <fmt/format.h>

namespace xdpfwd::bench {

Result<Metrics> packets_by_queue(const std::vector<uint64_t>& before, const std::vector<uint64_t>& after) {
  if (after.empty() || before.size() != after.size())
    return fail(fmt::format("the driver counts {} queues before a trial and {} after it", before.size(),
                            after.size()));
  Metrics metrics;
  for (size_t queue = 0; queue < after.size(); ++queue) {
    if (after[queue] <= before[queue])
      return fail(fmt::format("queue {} of {} got no frame", queue, after.size()),
                  "each queue has a flow of its own; is the sender's steering right?");
    metrics[fmt::format("queue{}_packets", queue)] = static_cast<double>(after[queue] - before[queue]);
  }
  return metrics;
}

}  // namespace xdpfwd::bench

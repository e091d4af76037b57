// SPDX-License-Identifier: BSD-2-Clause
// What is written to /proc/net/pktgen to send to one guest, and what is read from there: text and numbers
// only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pktgen/sender.h"

namespace xdpfwd::pktgen {

// Commands for a device's file, in order. Fails on what pktgen.ko cannot do: streams that differ in more than
// their source, bursts by chance, 802.1ad.
Result<std::vector<std::string>> kernel_commands(const StreamSet& streams, const SendOptions& options);

struct KernelCounts {
  uint64_t sent = 0;
  uint64_t errors = 0;
  double seconds = 0;
};
// Of a device's file after a run.
Result<KernelCounts> parse_kernel_counts(std::string_view text);

}  // namespace xdpfwd::pktgen

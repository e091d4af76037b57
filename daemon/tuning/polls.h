// SPDX-License-Identifier: BSD-2-Clause
// What NICs did between two readings, queue by queue: which NAPI instance and which interrupt is which
// queue's. What to make of it is left to verify.h and suggest.h.
#pragma once

#include <map>
#include <string>

#include "core/effect_report.h"
#include "core/setting.h"

namespace xdpfwd {

// `host.nics` are the NICs that were watched; `taps` are names by ifindex.
PollsReport polls_between(const EffectReading& before, const EffectReading& after, const HostTuning& host,
                          const std::map<uint32_t, std::string>& taps);

// All of a NIC's queues in one; of all NICs, when `device` is empty. `interrupts` and `received` are empty
// where one queue's are.
QueueReport sum_of(const PollsReport& polls, const std::string& device);

}  // namespace xdpfwd

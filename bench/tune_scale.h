// SPDX-License-Identifier: BSD-2-Clause
// How long host tuning takes at size: 2 members with 64 queues each, and 500 guests.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace xdpfwd::bench {

struct TuningTimes {
  std::vector<double> plan_s;  // of `xdpctl tune plan`, from its start to its end
  std::vector<double> apply_s;
  size_t settings = 0;  // that were set each time
};

// On a stage (stage.h) that has tap0 to tap499. `daemon` is the path of xdpfwd, with xdpctl beside it.
Result<TuningTimes> time_tuning(const std::string& daemon, const std::string& bpffs, unsigned repetitions);

}  // namespace xdpfwd::bench

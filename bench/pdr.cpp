// SPDX-License-Identifier: BSD-2-Clause
#include "bench/pdr.h"

#include "bench/mlr_search.h"

namespace xdpfwd::bench {

// With the reader: it takes its share of the CPU.
Result<double> find_pdr(const Run& run, Rig& rig) {
  MlrSearch search(
      {{.name = "pdr", .loss_ratio = 0.005, .trial_s = 0.1, .duration_sum_s = 0.3, .width = 0.05}},
      {.min_load = 2'000, .max_load = 2'000'000, .most_trials = 40});
  while (const auto next = search.next()) {
    if (run.interrupted()) return 0;
    const auto trial = rig.send({.pps = next->load, .seconds = next->seconds, .reader = true});
    if (!trial) return std::unexpected(trial.error());
    search.record(*next, trial->loss_ratio());
  }
  return search.answers().front().load;
}

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// The order of measuring: every contender at every point, round by round, so that whatever else the machine
// does hits all alike. The first round warms up and is thrown away. What an earlier run has measured is not
// measured again.
#pragma once

#include <functional>
#include <vector>

#include "bench/scenario.h"

namespace xdpfwd::bench {

struct Grid {
  std::vector<const ContenderKind*> contenders;
  std::vector<Point> points;
  unsigned repetitions = 10;
  bool warm_up = true;
  RigOptions rig;  // what all points need
  // Whether the contender can be measured at this point at all.
  std::function<bool(const ContenderKind&, const Point&)> possible = [](const auto&, const auto&) {
    return true;
  };
  // One sample; its contender is awake. An empty one is not kept.
  std::function<Result<Metrics>(Stand&, const Point&)> measure;
};

// Until all is measured, or an interruption: both are success.
Result<void> run_grid(Run& run, const Grid& grid);

}  // namespace xdpfwd::bench

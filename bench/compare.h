// SPDX-License-Identifier: BSD-2-Clause
// Two runs side by side: which figures differ by more than chance, and by how much.
#pragma once

#include <string>
#include <vector>

#include "bench/result_file.h"

namespace xdpfwd::bench {

struct Difference {
  std::string scenario;
  std::string contender;
  Point point;
  std::string metric;
  double before = 0;  // medians
  double after = 0;
  double ratio = 1;  // after / before, with its 95 % interval
  double ratio_low = 1;
  double ratio_high = 1;
  double false_discovery_rate = 1;
  [[nodiscard]] bool significant() const { return false_discovery_rate < 0.05; }
};

// Every metric at every point that both runs have. Sorted: significant ones first.
std::vector<Difference> compare_runs(const std::vector<ResultSet>& before,
                                     const std::vector<ResultSet>& after);
std::string compare_text(const std::vector<Difference>& differences);

}  // namespace xdpfwd::bench

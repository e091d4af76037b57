// SPDX-License-Identifier: BSD-2-Clause
// Whether two sets of samples differ by more than chance: on the raw samples, without assuming how they are
// distributed.
#pragma once

#include <cstdint>
#include <vector>

namespace xdpfwd::bench {

// Mann and Whitney's rank sum test, two-sided: how likely samples as different as these are when both come
// from one distribution. Exact for up to 20 + 20 samples without ties; else by the normal distribution,
// corrected for ties.
double mann_whitney_p(const std::vector<double>& a, const std::vector<double>& b);

// The median of b / a with a 95 % interval, by resampling each side 2000 times. Always the same for the same
// samples.
struct RatioInterval {
  double ratio = 1;
  double low = 1;
  double high = 1;
};
RatioInterval bootstrap_ratio(const std::vector<double>& a, const std::vector<double>& b);

// Benjamini and Hochberg: p values of many tests made into rates of false discoveries.
std::vector<double> false_discovery_rates(const std::vector<double>& p);

}  // namespace xdpfwd::bench

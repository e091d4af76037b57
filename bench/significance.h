// SPDX-License-Identifier: BSD-2-Clause
// Whether two sets of samples differ by more than chance: on the raw samples, without assuming how they are
// distributed.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace xdpfwd::bench {

// Mann and Whitney's rank sum test, two-sided: how likely samples as different as these are when both come
// from one distribution. Exact for up to 20 + 20 samples without ties; else by the normal distribution,
// corrected for ties.
double mann_whitney_p(const std::vector<double>& a, const std::vector<double>& b);

// The median of b / a with a 95 % interval, by resampling each side 2000 times; the base's, too, whose median
// is taken off from both. Always the same for the same samples.
struct RatioInterval {
  double ratio = 1;
  double low = 1;
  double high = 1;
  size_t samples = 0;  // on the side that has fewer
};
// "0.350 (0.340 to 0.360)"; of one sample on a side, which has no interval, "0.350 (once)".
std::string text_of(const RatioInterval& interval);
RatioInterval bootstrap_ratio(const std::vector<double>& a, const std::vector<double>& b,
                              const std::vector<double>& base = {});

// Benjamini and Hochberg: p values of many tests made into rates of false discoveries.
std::vector<double> false_discovery_rates(const std::vector<double>& p);

}  // namespace xdpfwd::bench

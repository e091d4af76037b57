// SPDX-License-Identifier: BSD-2-Clause
// Median and spread: what every figure is told as.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace xdpfwd::bench {

inline double quantile(std::vector<double> values, double q) {
  if (values.empty()) return NAN;
  std::ranges::sort(values);
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (values[high] - values[low]) * (at - static_cast<double>(low));
}

struct Spread {
  double median = 0;
  double low = 0;   // quartile
  double high = 0;  // quartile
  // Half the distance between the quartiles, as a share of the median.
  [[nodiscard]] double percent() const { return median > 0 ? (high - low) / 2 / median * 100 : 0; }
};

inline Spread spread_of(const std::vector<double>& values) {
  return {.median = quantile(values, 0.5), .low = quantile(values, 0.25), .high = quantile(values, 0.75)};
}

}  // namespace xdpfwd::bench

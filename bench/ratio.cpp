// SPDX-License-Identifier: BSD-2-Clause
#include "bench/ratio.h"

#include <cmath>

#include "bench/statistics.h"

namespace xdpfwd::bench {

std::optional<RatioInterval> ratio_between(const std::map<ResultSet::Key, std::vector<double>>& values,
                                           const ResultSet::Key& above, const ResultSet::Key& below,
                                           const std::string& base) {
  const auto dividend = values.find(above);
  const auto divisor = values.find(below);
  if (dividend == values.end() || divisor == values.end()) return std::nullopt;
  std::vector<double> taken_off;
  if (!base.empty()) {
    taken_off = base_values_at(values, base, above.second);
    // Where the base is as dear as the contenders, the difference is noise.
    if (taken_off.empty() || quantile(divisor->second, 0.25) <= quantile(taken_off, 0.5)) return std::nullopt;
  }
  const RatioInterval ratio = bootstrap_ratio(divisor->second, dividend->second, taken_off);
  // Nothing can be divided by.
  if (!std::isfinite(ratio.ratio)) return std::nullopt;
  return ratio;
}

ResultSet without_refused(const ResultSet& results, const Refusal& refusal) {
  if (!refusal) return results;
  std::set<ResultSet::Key> refused;
  for (const Sample& sample : results.samples)
    if (!refusal(sample).empty()) refused.insert({sample.contender, sample.point});
  ResultSet kept = results;
  std::erase_if(kept.samples,
                [&](const Sample& sample) { return refused.contains({sample.contender, sample.point}); });
  return kept;
}

}  // namespace xdpfwd::bench

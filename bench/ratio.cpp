// SPDX-License-Identifier: BSD-2-Clause
#include "bench/ratio.h"

#include <cmath>

#include "bench/statistics.h"

namespace xdpfwd::bench {

std::optional<RatioInterval> ratio_between(const std::map<ResultSet::Key, std::vector<double>>& values,
                                           const ResultSet::Key& above, const ResultSet::Key& below,
                                           const std::string& base) {
  const auto of = [&](const ResultSet::Key& key) -> std::optional<std::vector<double>> {
    const auto found = values.find(key);
    if (found == values.end()) return std::nullopt;
    std::vector<double> net = found->second;
    if (base.empty()) return net;
    const auto taken_off = base_at(values, base, key.second);
    if (!taken_off) return std::nullopt;
    for (double& value : net) value -= *taken_off;
    return net;
  };
  const auto dividend = of(above);
  const auto divisor = of(below);
  if (!dividend || !divisor) return std::nullopt;
  // Where the base is as dear as the contenders, the difference is noise.
  if (!base.empty() && quantile(*divisor, 0.25) <= 0) return std::nullopt;
  const RatioInterval ratio = bootstrap_ratio(*divisor, *dividend);
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

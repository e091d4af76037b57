// SPDX-License-Identifier: BSD-2-Clause
#include "bench/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "bench/significance.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {

std::vector<Difference> compare_runs(const std::vector<ResultSet>& before,
                                     const std::vector<ResultSet>& after) {
  std::vector<Difference> differences;
  std::vector<double> p;
  for (const ResultSet& old : before) {
    const auto found = std::ranges::find(after, old.scenario, &ResultSet::scenario);
    if (found == after.end()) continue;
    for (const std::string& metric : old.metric_names()) {
      const auto now = found->values(metric);
      for (const auto& [key, values] : old.values(metric)) {
        const auto there = now.find(key);
        if (there == now.end()) continue;
        const RatioInterval interval = bootstrap_ratio(values, there->second);
        differences.push_back({.scenario = old.scenario,
                               .contender = key.first,
                               .point = key.second,
                               .metric = metric,
                               .before = quantile(values, 0.5),
                               .after = quantile(there->second, 0.5),
                               .ratio = interval.ratio,
                               .ratio_low = interval.low,
                               .ratio_high = interval.high});
        p.push_back(mann_whitney_p(values, there->second));
      }
    }
  }
  const std::vector<double> rates = false_discovery_rates(p);
  for (size_t i = 0; i < differences.size(); ++i) differences[i].false_discovery_rate = rates[i];
  std::ranges::sort(differences, {}, [](const Difference& d) {
    return std::tie(d.false_discovery_rate, d.scenario, d.contender, d.point, d.metric);
  });
  return differences;
}

std::string compare_text(const std::vector<Difference>& differences) {
  if (differences.empty()) return "nothing was measured by both\n";
  std::string text;
  size_t significant = 0;
  for (const Difference& one : differences) {
    if (!one.significant()) continue;
    if (significant++ == 0)
      text += fmt::format("{:<16} {:<14} {:<24} {:<24} {:>12} {:>12} {:>22} {:>8}\n", "SCENARIO", "CONTENDER",
                          "POINT", "METRIC", "BEFORE", "AFTER", "RATIO (95 %)", "FDR");
    text +=
        fmt::format("{:<16} {:<14} {:<24} {:<24} {:>12.4g} {:>12.4g} {:>6.3f} ({:.3f} to {:.3f}) {:>8.4f}\n",
                    one.scenario, one.contender, point_text(one.point), one.metric, one.before, one.after,
                    one.ratio, one.ratio_low, one.ratio_high, one.false_discovery_rate);
  }
  text += fmt::format(
      "{} of {} figures differ by more than chance (rank sum test, false discovery rate below 5 %)\n",
      significant, differences.size());
  return text;
}

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
#include "bench/pdr.h"

#include <fmt/format.h>

#include "bench/mlr_search.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {
namespace {

constexpr double kLeastPps = 2'000;

Point without_share(Point point) {
  point.erase(kShare);
  return point;
}

std::string whose(const ResultSet::Key& key) {
  const std::string where = point_text(without_share(key.second));
  return where.empty() ? key.first : fmt::format("{}, {}", key.first, where);
}

}  // namespace

// With the reader: it takes its share of the CPU.
Result<Pdr> find_pdr(const Run& run, Rig& rig) {
  MlrSearch search(
      {{.name = "pdr", .loss_ratio = 0.005, .trial_s = 0.1, .duration_sum_s = 0.3, .width = 0.05}},
      {.min_load = kLeastPps, .max_load = 2'000'000, .most_trials = 40});
  while (const auto next = search.next()) {
    if (run.interrupted()) return Pdr{};
    const auto trial = rig.send({.pps = next->load, .seconds = next->seconds, .reader = true});
    if (!trial) return std::unexpected(trial.error());
    if (trial->wrong > 0) return fail(fmt::format("{} frames came out wrong", trial->wrong));
    search.record(*next, trial->loss_ratio());
  }
  const MlrAnswer answer = search.answers().front();
  return Pdr{.pps = answer.load, .found = answer.found};
}

std::optional<double> known_pdr(const ResultSet& results, const std::string& contender, const Point& point) {
  for (const Sample& sample : results.samples)
    if (sample.contender == contender && without_share(sample.point) == without_share(point))
      if (const auto said = sample.metrics.find("pdr_pps"); said != sample.metrics.end()) return said->second;
  return {};
}

Result<double> pdr_at(const Run& run, const std::string& contender, const Point& point,
                      const std::function<Result<Pdr>()>& search, Metrics& metrics) {
  if (const auto known = known_pdr(run.file.results(), contender, point)) return *known;
  const auto found = search();
  if (!found) return std::unexpected(found.error());
  metrics["pdr_pps"] = found->pps;
  metrics["pdr_found"] = found->found ? 1 : 0;
  return found->pps;
}

std::vector<std::string> pdr_caveats(const ResultSet& results) {
  std::vector<std::string> all;
  const auto pdrs = results.values("pdr_pps");
  for (const auto& [key, found] : results.values("pdr_found"))
    if (quantile(pdrs.at(key), 0) <= 0)
      all.push_back(
          fmt::format("{} loses more than 0.5 % of {:.0f} packets a second: there is no share of a PDR",
                      whose(key), kLeastPps));
    else if (quantile(found, 0) < 1)
      all.push_back(fmt::format("the PDR of {} is a lower bound: the search came to no end", whose(key)));
  return all;
}

}  // namespace xdpfwd::bench

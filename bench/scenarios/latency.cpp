// SPDX-License-Identifier: BSD-2-Clause
// One-way latency, from the sender's stamp to a reader that the frame wakes up on the receiving CPU, at
// shares of what each contender can take. It includes generator, cable, the wait for the next poll (rx-usecs)
// and the reader's waking: the bare redirect beside it shows how much that is.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "bench/grid.h"
#include "bench/pdr.h"

namespace xdpfwd::bench {
namespace {

constexpr double kIdlePps = 1'000;
constexpr double kLeastBeyond = 10;  // frames that are later than a percentile; of fewer it is an accident
constexpr std::array<std::pair<const char*, double>, 4> kPercentiles = {
    {{"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}, {"p9999_us", 0.9999}}};

Result<void> run_latency(Run& run) {
  std::map<std::string, double> pdr;
  const auto measure = [&](Stand& stand, const Point& point) -> Result<Metrics> {
    const double share = point.at("percent_of_pdr") / 100;
    double pps = kIdlePps;
    if (share > 0) {
      if (!pdr.contains(stand.kind().name)) {
        const auto found = find_pdr(run, stand.rig());
        if (!found) return std::unexpected(found.error());
        pdr[stand.kind().name] = *found;
      }
      // Not even the least rate: there is no share of it.
      if (pdr[stand.kind().name] == 0) return Metrics{};
      pps = std::max(kIdlePps, pdr[stand.kind().name] * share);
    }
    const auto trial =
        stand.rig().send({.pps = pps, .seconds = run.options.quick ? 0.3 : 1.0, .reader = true});
    if (!trial) return std::unexpected(trial.error());
    Metrics metrics = {{"pps", pps},
                       {"p50_us", static_cast<double>(trial->latency_ns.percentile(0.5)) / 1000},
                       {"max_us", static_cast<double>(trial->latency_ns.max()) / 1000},
                       {"frames", static_cast<double>(trial->latency_ns.count())},
                       {"loss_percent", trial->loss_ratio() * 100}};
    for (const auto& [name, fraction] : kPercentiles)
      if (static_cast<double>(trial->latency_ns.count()) * (1 - fraction) >= kLeastBeyond)
        metrics[name] = static_cast<double>(trial->latency_ns.percentile(fraction)) / 1000;
    return metrics;
  };
  return run_grid(
      run, {.contenders = present_contenders(run, [](const ContenderKind& kind) { return kind.delivers; }),
            .points = {{{"percent_of_pdr", 0}},
                       {{"percent_of_pdr", 10}},
                       {{"percent_of_pdr", 50}},
                       {{"percent_of_pdr", 90}}},
            .repetitions = run.repetitions(10, 1),
            .rig = {.ring_slots = kVirtqueueSlots},
            .measure = measure});
}

const RegisteredScenario latency(
    {.name = "latency",
     .summary = "one-way latency to a waking reader, at shares of each contender's PDR",
     .run = run_latency,
     .plots = {{"median latency", "percent_of_pdr", "% of the contender's PDR", "p50_us", "us", false, true},
               {"99th percentile", "percent_of_pdr", "% of the contender's PDR", "p99_us", "us", false, true},
               {"99.99th percentile", "percent_of_pdr", "% of the contender's PDR", "p9999_us", "us", false,
                true}},
     .ratios = {{"p50_us", "xdpfwd", "bridge-pop"}, {"p50_us", "xdpfwd", "bare-redirect"}},
     .table = {"pps", "p50_us", "p90_us", "p99_us", "p999_us", "p9999_us", "max_us", "loss_percent"},
     .order = 30});

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// One-way latency, from the sender's stamp to a reader that the frame wakes up on the receiving CPU, at
// shares of what each contender can take. It includes generator, cable, the wait for the next poll (rx-usecs)
// and the reader's waking: the bare redirect beside it shows how much that is.
#include <fmt/format.h>

#include <algorithm>

#include "bench/grid.h"
#include "bench/latency_figures.h"
#include "bench/pdr.h"

namespace xdpfwd::bench {
namespace {

constexpr double kIdlePps = 1'000;

// So long that the rarest percentile that can be told has its ten frames beyond: the 99.99th, but of the idle
// rate, where it would take 100 s, the 99.9th.
double seconds_at(double pps, bool quick) {
  if (quick) return 0.3;
  return pps <= kIdlePps ? 11 : std::clamp(110'000 / pps, 1.0, 4.0);
}

Result<void> run_latency(Run& run) {
  const auto measure = [&](Stand& stand, const Point& point) -> Result<Metrics> {
    const double share = point.at(kShare) / 100;
    Metrics metrics;
    double pps = kIdlePps;
    if (share > 0) {
      const auto pdr =
          pdr_at(run, stand.kind().name, point, [&] { return find_pdr(run, stand.rig()); }, metrics);
      if (!pdr) return std::unexpected(pdr.error());
      if (run.interrupted()) return Metrics{};
      if (*pdr == 0) return metrics;
      pps = std::max(kIdlePps, *pdr * share);
    }
    const auto trial =
        stand.rig().send({.pps = pps, .seconds = seconds_at(pps, run.options.quick), .reader = true});
    if (!trial) return std::unexpected(trial.error());
    if (trial->wrong > 0) return fail(fmt::format("{} frames came out wrong", trial->wrong));
    metrics["pps"] = pps;
    metrics["frames"] = static_cast<double>(trial->latency_ns.count());
    metrics["loss_percent"] = trial->loss_ratio() * 100;
    metrics.merge(latency_figures(trial->latency_ns));
    return metrics;
  };
  return run_grid(
      run, {.contenders = present_contenders(run, [](const ContenderKind& kind) { return kind.delivers; }),
            .points = {{{kShare, 0}}, {{kShare, 10}}, {{kShare, 50}}, {{kShare, 90}}},
            .repetitions = run.repetitions(10, 1),
            .rig = {.ring_slots = kVirtqueueSlots},
            .measure = measure});
}

const RegisteredScenario latency(
    {.name = "latency",
     .summary = "one-way latency to a waking reader, at shares of each contender's PDR",
     .run = run_latency,
     .plots = {{"median latency", kShare, "% of the contender's PDR", "p50_us", "us", false, true},
               {"99th percentile", kShare, "% of the contender's PDR", "p99_us", "us", false, true},
               {"99.99th percentile", kShare, "% of the contender's PDR", "p9999_us", "us", false, true}},
     .ratios = {{"p50_us", "xdpfwd", "bridge"},
                {"p50_us", "xdpfwd", "bridge-pop"},
                {"p50_us", "xdpfwd", "bare-redirect"}},
     .table = {"pdr_pps", "pps", "p50_us", "p90_us", "p99_us", "p999_us", "p9999_us", "max_us",
               "loss_percent"},
     .caveats = pdr_caveats,
     .order = 30});

}  // namespace
}  // namespace xdpfwd::bench

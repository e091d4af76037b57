// SPDX-License-Identifier: BSD-2-Clause
// `xdpfwd-bench floor` as a scenario: the full path, cable to tap, against the bare redirect, with tables of
// several sizes, at full speed on one CPU.
#include "bench/floor.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/scenario.h"

namespace xdpfwd::bench {
namespace {

constexpr const char* kMetric = "ns_per_frame";

// Rounds stand side by side, so one that was interrupted is measured anew.
Result<void> run_floor_scenario(Run& run) {
  const unsigned rounds = run.repetitions(30, 10);
  const std::vector<double> sizes =
      run.options.quick ? std::vector<double>{1000} : std::vector<double>{1000, 65'536, 1'000'000};
  run.progress.begin("floor", sizes.size());
  for (const double entries : sizes) {
    const Point point = {{"entries", entries}};
    unsigned measured = 0;
    while (measured < rounds && run.file.has("xdp-drop", point, measured + 1)) ++measured;
    if (measured == rounds) {
      run.progress.skip();
      continue;
    }
    run.progress.step(point_text(point));
    const auto report =
        run_floor({.repetitions = rounds - measured,
                   .fdb_entries = static_cast<uint32_t>(entries),
                   .rx_cpu = run.options.rx_cpu,
                   .tx_cpu = run.options.tx_cpu,
                   .keep = [&](const std::string& contender, unsigned round, double ns) -> Result<void> {
                     if (run.file.has(contender, point, measured + round)) return {};
                     return run.file.add({contender, point, measured + round, {{kMetric, ns}}});
                   },
                   .interrupted = run.interrupted});
    if (!report) return std::unexpected(report.error());
    if (run.interrupted()) return {};
  }
  run.progress.end();
  return {};
}

const RegisteredScenario floor_scenario(
    {.name = "floor",
     .summary = "cable to tap at full speed: the full path against the bare redirect and XDP_DROP",
     .run = run_floor_scenario,
     .ratios = {{kMetric, "xdpfwd", "bare-redirect"},
                {kMetric, "xdpfwd-hint", "bare-redirect"},
                {kMetric, "xdpfwd", "bare-redirect", "xdp-drop"}},
     .table = {kMetric},
     .contenders = no_contenders,
     .order = 91});

}  // namespace
}  // namespace xdpfwd::bench

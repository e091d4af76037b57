// SPDX-License-Identifier: BSD-2-Clause
// `xdpfwd-bench scale` as a scenario: each figure a contender of its own, as there is nothing to compare.
#include "bench/scale.h"

#include "bench/child.h"
#include "bench/scenario.h"

namespace xdpfwd::bench {
namespace {

Result<void> run_scale_scenario(Run& run) {
  if (run.file.results().complete) return {};
  run.progress.begin("scale", 1);
  run.progress.step("guests, rows, taps, tuning, packing");
  const auto report =
      run_scale({.repetitions = run.repetitions(5, 1),
                 .daemon = beside_this_program("xdpfwd"),
                 .keep = [&](const std::string& figure, unsigned repetition, double value) -> Result<void> {
                   if (run.file.has(figure, {}, repetition)) return {};
                   return run.file.add({figure, {}, repetition, {{"value", value}}});
                 },
                 .interrupted = run.interrupted});
  if (!report) return std::unexpected(report.error());
  run.progress.end();
  return {};
}

const RegisteredScenario scale_scenario(
    {.name = "scale",
     .summary = "many guests, rows and taps, 128 NAPIs; the daemon's memory and idle CPU",
     .run = run_scale_scenario,
     .table = {"value"},
     .contenders = no_contenders,
     .order = 92});

}  // namespace
}  // namespace xdpfwd::bench

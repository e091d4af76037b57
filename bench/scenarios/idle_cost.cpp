// SPDX-License-Identifier: BSD-2-Clause
// What each contender takes while nothing is to be done: CPU of its processes, polls, and memory.
// The uplinks rest, as a NIC does that has nothing to say.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "bench/grid.h"

namespace xdpfwd::bench {
namespace {

Result<void> run_idle(Run& run) {
  // A multiple of the period at which contenders look around (xdpfwd: 5 s), so that each window has as many
  // of these looks as any other time has. One that fell due while the process was stopped comes at once.
  const auto seconds = std::chrono::seconds(run.options.quick ? 5 : 10);
  const auto measure = [&](Stand& stand, const Point&) -> Result<Metrics> {
    if (auto silent = stand.rig().rest(); !silent) return std::unexpected(silent.error());
    // What the last sign of life led to is not idling.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const ProcessCost before = stand.cost();
    const CpuReading first = run.telemetry->read_all();
    std::this_thread::sleep_for(seconds);
    const CpuReading cpu = run.telemetry->read_all() - first;
    const ProcessCost after = stand.cost();
    const auto elapsed = static_cast<double>(cpu.at_ns);
    return Metrics{{"process_percent", static_cast<double>(after.cpu_ns - before.cpu_ns) / elapsed * 100},
                   {"polls_per_second", static_cast<double>(cpu.polls) / elapsed * 1e9},
                   {"rss_mib", after.rss_mib}};
  };
  Grid grid{.contenders = present_contenders(run, [](const ContenderKind& kind) { return kind.delivers; }),
            .points = {{}},
            .repetitions = run.repetitions(10, 1),
            .warm_up = false,
            .rig = {.ring_slots = 1024},
            .measure = measure};
  return run_grid(run, grid);
}

std::vector<Aim> aims(const ResultSet& results) {
  return {worst_of({.what = "CPU time of processes without traffic, xdpfwd / testpmd"}, results,
                   {"process_percent", "xdpfwd", "testpmd"})};
}

const RegisteredScenario idle({.name = "idle-cost",
                               .summary = "CPU and memory of each contender without traffic",
                               .run = run_idle,
                               .plots = {{"CPU without traffic", "", "", "process_percent", "% of one CPU",
                                          false, false},
                                         {"memory", "", "", "rss_mib", "MiB", false, false}},
                               .table = {"process_percent", "polls_per_second", "rss_mib"},
                               .aims = aims,
                               .order = 40});

}  // namespace
}  // namespace xdpfwd::bench

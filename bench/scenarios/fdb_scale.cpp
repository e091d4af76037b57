// SPDX-License-Identifier: BSD-2-Clause
// Cost a packet by the size of the table: frames go to its MACs in turn, all behind one tap; where a run has
// fewer frames, to as many MACs spread over the whole table, others in each.
#include <fmt/format.h>

#include "bench/grid.h"
#include "bench/table_size.h"

namespace xdpfwd::bench {
namespace {

constexpr double kPps = 200'000;

Result<Metrics> measure(Stand& stand, const Point&) {
  const auto trial = stand.rig().send({.pps = kPps, .seconds = 0.5});
  if (!trial) return std::unexpected(trial.error());
  const auto packets = static_cast<double>(trial->cpu.packets);
  if (packets == 0) return Metrics{};
  if (trial->wrong > 0) return fail(fmt::format("{} frames came out wrong", trial->wrong));
  Metrics metrics = {{"softirq_ns_per_packet", static_cast<double>(trial->cpu.net_softirq_ns) / packets}};
  if (stand.kind().delivers) metrics["loss_percent"] = trial->loss_ratio() * 100;
  return metrics;
}

Result<void> run_scale(Run& run) {
  const std::vector<double> sizes =
      run.options.quick ? std::vector<double>{1, 1e4} : std::vector<double>{1, 1e2, 1e3, 1e4, 1e5, 1e6};
  for (const double size : sizes) {
    const auto takes = [&](const ContenderKind& kind) {
      if (kind.most_macs <= 1) leave_out(run, kind.name, {kind.why_no_more, "", 0});
      return kind.most_macs > 1;
    };
    Grid grid{.contenders = holders_of(run, present_contenders(run, takes), size),
              .points = {{{"macs", size}}},
              .repetitions = run.repetitions(),
              .rig = {.macs_per_guest = static_cast<unsigned>(size)},
              .measure = measure};
    if (auto done = run_grid(run, grid); !done) return done;
    if (run.interrupted()) return {};
  }
  return {};
}

const RegisteredScenario scale(
    {.name = "fdb-scale",
     .summary = "softirq time a packet by the number of MACs in the table, at 200 kpps",
     .run = run_scale,
     .plots = {{"cost by table size", "macs", "MACs", "softirq_ns_per_packet", "ns", true, true}},
     .ratios = {{"softirq_ns_per_packet", "xdpfwd", "bridge"},
                {"softirq_ns_per_packet", "xdpfwd", "bridge-pop"},
                {"softirq_ns_per_packet", "xdpfwd", "bare-redirect"}},
     .table = {"softirq_ns_per_packet", "loss_percent"},
     .order = 50});

}  // namespace
}  // namespace xdpfwd::bench

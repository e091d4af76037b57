// SPDX-License-Identifier: BSD-2-Clause
#include "bench/grid.h"

#include <fmt/format.h>

namespace xdpfwd::bench {
namespace {

std::vector<std::unique_ptr<Stand>> open_stands(Run& run, const Grid& grid) {
  std::vector<std::unique_ptr<Stand>> stands;
  for (const ContenderKind* kind : grid.contenders) {
    if (run.interrupted()) break;
    RigOptions rig = grid.rig;
    rig.rx_cpu = run.options.rx_cpu;
    rig.tx_cpu = run.options.tx_cpu;
    auto stand = Stand::open(*kind, rig, *run.telemetry);
    if (stand)
      stands.push_back(std::move(*stand));
    else if (!run.interrupted())
      leave_out(run, kind->name, stand.error());
  }
  return stands;
}

}  // namespace

Result<void> run_grid(Run& run, const Grid& grid) {
  const unsigned first = grid.warm_up ? 0 : 1;
  const auto missing = [&](const ContenderKind& kind, const Point& point, unsigned repetition) {
    return grid.possible(kind, point) && !run.file.has(kind.name, point, repetition);
  };
  size_t to_do = 0;
  size_t all = 0;
  for (const ContenderKind* kind : grid.contenders)
    for (const Point& point : grid.points)
      for (unsigned repetition = 1; repetition <= grid.repetitions; ++repetition) {
        all += grid.possible(*kind, point) ? 1 : 0;
        to_do += missing(*kind, point, repetition) ? 1 : 0;
      }
  run.progress.begin(run.file.results().scenario, all);
  if (to_do == 0) {
    for (size_t i = 0; i < all; ++i) run.progress.skip();
    run.progress.end();
    return {};
  }
  const auto stands = open_stands(run, grid);
  for (unsigned repetition = first; repetition <= grid.repetitions; ++repetition) {
    for (const Point& point : grid.points) {
      for (const auto& stand : stands) {
        if (run.interrupted()) {
          run.progress.end();
          return {};
        }
        if (!grid.possible(stand->kind(), point)) continue;
        if (!missing(stand->kind(), point, repetition)) {
          run.progress.skip();
          continue;
        }
        const bool warming = repetition == 0;
        if (warming && &point != &grid.points.front()) continue;
        if (!warming) run.progress.step(fmt::format("{} at {}", stand->kind().name, point_text(point)));
        if (auto woken = stand->wake(); !woken) return woken;
        auto metrics = grid.measure(*stand, point);
        if (auto rested = stand->rest(); !rested) return rested;
        if (!metrics)
          return fail_in(fmt::format("{} at {}", stand->kind().name, point_text(point)), metrics.error());
        if (warming || metrics->empty()) continue;
        if (auto added = run.file.add({stand->kind().name, point, repetition, std::move(*metrics)}); !added)
          return added;
      }
    }
  }
  run.progress.end();
  return {};
}

}  // namespace xdpfwd::bench

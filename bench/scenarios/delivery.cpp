// SPDX-License-Identifier: BSD-2-Clause
// Before anything is timed: every contender delivers every frame, of every size, to the right tap and without
// its tag. The rate is low; what a busy machine did not send is tried again.
#include <fmt/format.h>

#include "bench/grid.h"

namespace xdpfwd::bench {
namespace {

constexpr int kTries = 5;

Result<Metrics> measure(Stand& stand, const Point& point) {
  for (int attempt = 1;; ++attempt) {
    const auto trial = stand.rig().send({.pps = point.at("pps"), .seconds = 0.3, .sizes = {64, 570, 1514}});
    if (!trial) return std::unexpected(trial.error());
    if (trial->wrong > 0) return fail(fmt::format("{} frames came out wrong", trial->wrong));
    if (trial->lost() > 0 && attempt < kTries) continue;
    return Metrics{{"sent", static_cast<double>(trial->sent)},
                   {"delivered", static_cast<double>(trial->delivered)},
                   {"lost", static_cast<double>(trial->lost())},
                   {"attempts", attempt}};
  }
}

Result<void> run_delivery(Run& run) {
  return run_grid(
      run, {.contenders = present_contenders(run, [](const ContenderKind& kind) { return kind.delivers; }),
            .points = {{{"pps", 1000}}},
            .repetitions = run.repetitions(1, 1),
            .warm_up = false,
            .rig = {.guests = 3, .ring_slots = 4096},
            .measure = measure});
}

std::vector<std::string> losers(const ResultSet& results) {
  std::vector<std::string> all;
  for (const Sample& sample : results.samples)
    if (const auto lost = sample.metrics.find("lost"); lost != sample.metrics.end() && lost->second > 0)
      all.push_back(
          fmt::format("{} lost {} frames in the last of {} tries", sample.contender, lost->second, kTries));
  return all;
}

const RegisteredScenario delivery({.name = "delivery",
                                   .summary = "every contender delivers every frame at a low rate",
                                   .run = run_delivery,
                                   .table = {"sent", "delivered", "lost", "attempts"},
                                   .caveats = losers,
                                   .order = 1});

}  // namespace
}  // namespace xdpfwd::bench

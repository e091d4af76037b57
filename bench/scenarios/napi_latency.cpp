// SPDX-License-Identifier: BSD-2-Clause
// How late frames are in each mode of NAPI, at shares of what the mode itself can take: at idle, 10, 50 and
// 90 % of its PDR. The reader runs on the receiving CPU, before all others.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "bench/grid.h"
#include "bench/napi_mode.h"
#include "bench/pdr.h"

namespace xdpfwd::bench {
namespace {

constexpr double kIdlePps = 1'000;
constexpr std::array<double, 4> kPercents = {0, 10, 50, 90};

Result<Metrics> measure(Stand& stand, NapiMode mode, double pps, double seconds) {
  if (auto woken = stand.wake(); !woken) return std::unexpected(woken.error());
  auto in_mode = InNapiMode::enter(stand, mode);
  if (!in_mode) return std::unexpected(in_mode.error());
  const auto trial = stand.rig().send({.pps = pps, .seconds = seconds, .reader = true});
  if (!trial) return std::unexpected(trial.error());
  if (auto left = in_mode->leave(); !left) return std::unexpected(left.error());
  const auto us = [&](double fraction) {
    return static_cast<double>(trial->latency_ns.percentile(fraction)) / 1000;
  };
  return Metrics{{"pps", pps},
                 {"p50_us", us(0.5)},
                 {"p99_us", us(0.99)},
                 {"p999_us", us(0.999)},
                 {"loss_percent", trial->loss_ratio() * 100}};
}

Result<double> most_of(const Run& run, Stand& stand, NapiMode mode) {
  if (auto woken = stand.wake(); !woken) return std::unexpected(woken.error());
  auto in_mode = InNapiMode::enter(stand, mode);
  if (!in_mode) return std::unexpected(in_mode.error());
  auto found = find_pdr(run, stand.rig());
  if (auto left = in_mode->leave(); found && !left) return std::unexpected(left.error());
  return found;
}

Result<void> run_latency(Run& run) {
  const auto kinds = present_contenders(run, [](const ContenderKind& kind) { return kind.name == "xdpfwd"; });
  if (kinds.empty()) return {};
  const unsigned repetitions = run.repetitions(10, 3);
  run.progress.begin("napi-latency", kPercents.size() * kNapiModes.size() * repetitions);
  auto stand =
      Stand::open(*kinds.front(),
                  {.ring_slots = kVirtqueueSlots, .rx_cpu = run.options.rx_cpu, .tx_cpu = run.options.tx_cpu},
                  *run.telemetry);
  if (!stand) return std::unexpected(stand.error());
  std::map<NapiMode, double> most;
  bool polls = true;  // not where the kernel has no way for a process
  for (unsigned repetition = 1; repetition <= repetitions; ++repetition)
    for (const double percent : kPercents)
      for (const NapiModeKind& mode : kNapiModes) {
        const std::string name = fmt::format("xdpfwd, {}", mode.name);
        const Point point = {{"percent_of_pdr", percent}};
        if (run.interrupted()) return {};
        if (mode.mode == NapiMode::kBusyPoll && !polls) continue;
        if (run.file.has(name, point, repetition)) {
          run.progress.skip();
          continue;
        }
        run.progress.step(fmt::format("{} at {}", name, point_text(point)));
        if (!most.contains(mode.mode)) {
          const auto found = most_of(run, **stand, mode.mode);
          if (auto rested = (*stand)->rest(); !rested) return rested;
          if (!found && mode.mode == NapiMode::kBusyPoll) {
            leave_out(run, name, found.error());
            polls = false;
            continue;
          }
          if (!found) return fail_in(name, found.error());
          most[mode.mode] = *found;
        }
        const double pps = std::max(kIdlePps, most[mode.mode] * percent / 100);
        auto metrics = measure(**stand, mode.mode, pps, run.options.quick ? 0.3 : 1.0);
        if (auto rested = (*stand)->rest(); !rested) return rested;
        if (!metrics) return fail_in(name, metrics.error());
        if (auto added = run.file.add({name, point, repetition, std::move(*metrics)}); !added) return added;
      }
  run.progress.end();
  return {};
}

const RegisteredScenario latency(
    {.name = "napi-latency",
     .summary = "one-way latency with NAPI in softirqs, threads and a poller, at shares of each mode's PDR",
     .run = run_latency,
     .plots = {{"median latency", "percent_of_pdr", "% of the mode's PDR", "p50_us", "us", false, true},
               {"99th percentile", "percent_of_pdr", "% of the mode's PDR", "p99_us", "us", false, true},
               {"99.9th percentile", "percent_of_pdr", "% of the mode's PDR", "p999_us", "us", false, true}},
     .ratios = {{"p50_us", "xdpfwd, busy-poll", "xdpfwd, softirq"},
                {"p50_us", "xdpfwd, threaded", "xdpfwd, softirq"},
                {"p50_us", "xdpfwd, auto", "xdpfwd, softirq"}},
     .table = {"pps", "p50_us", "p99_us", "p999_us", "loss_percent"},
     .contenders = {{"xdpfwd"}},
     .order = 36});

}  // namespace
}  // namespace xdpfwd::bench

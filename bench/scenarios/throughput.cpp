// SPDX-License-Identifier: BSD-2-Clause
// How much each contender can take on one CPU: NDR (nothing lost) and PDR (half a percent) by MLRsearch, and
// MRR: what arrives when everything is offered, with the CPU to itself, and beside a process that computes
// there, as on a hypervisor. Frames that the generator did not send count as lost.
#include <fmt/format.h>

#include <algorithm>

#include "bench/grid.h"
#include "bench/mlr_search.h"
#include "bench/statistics.h"
#include "bench/table_size.h"
#include "bench/victim.h"

namespace xdpfwd::bench {
namespace {

constexpr double kMostPps = 4'000'000;
constexpr double kImix = 0;  // as a frame size

std::vector<size_t> sizes_of(double size) {
  // 7 : 4 : 1, spread out; on the wire 64, 570 and 1518 bytes, here without the FCS.
  if (size == kImix) return {60, 60, 566, 60, 60, 566, 60, 566, 60, 60, 566, 1514};
  return {static_cast<size_t>(size) - 4};
}

// What a trial may last: the taps hold so many frames.
double seconds_of(const Rig& rig, double pps, double wanted) {
  return std::min(wanted, static_cast<double>(rig.options().ring_slots) * 0.9 / pps);
}

// Median of trials at full speed, each as long as the taps take. Of fewer, where it is interrupted.
Result<double> most_received(const Run& run, Rig& rig, const Point& point) {
  const unsigned trials = run.options.quick ? 3 : 10;
  std::vector<double> received;
  while (received.size() < trials && !run.interrupted()) {
    const auto done = rig.send({.pps = 0, .sizes = sizes_of(point.at("size"))});
    if (!done) return std::unexpected(done.error());
    received.push_back(done->delivered_pps());
  }
  return quantile(received, 0.5);
}

Result<double> most_received_beside_victim(const Run& run, Rig& rig, const Point& point) {
  Victim victim(rig.rx_cpu());
  if (auto started = victim.start(); !started) return std::unexpected(started.error());
  auto received = most_received(run, rig, point);
  victim.stop();
  return received;
}

Result<Metrics> measure(Run& run, Stand& stand, const Point& point) {
  const bool quick = run.options.quick;
  const double trial_s = quick ? 0.1 : 0.25;
  const double sum_s = trial_s * (quick ? 3 : 7);
  const double width = quick ? 0.05 : 0.02;
  MlrSearch search(
      {{.name = "ndr", .trial_s = trial_s, .duration_sum_s = sum_s, .width = width},
       {.name = "pdr", .loss_ratio = 0.005, .trial_s = trial_s, .duration_sum_s = sum_s, .width = width}},
      {.min_load = 5'000, .max_load = kMostPps, .most_trials = quick ? 40U : 150U});
  unsigned trials = 0;
  while (const auto next = search.next()) {
    if (run.interrupted()) return Metrics{};
    const auto trial = stand.rig().send({.pps = next->load,
                                         .seconds = seconds_of(stand.rig(), next->load, next->seconds),
                                         .sizes = sizes_of(point.at("size"))});
    if (!trial) return std::unexpected(trial.error());
    if (trial->wrong > 0) return fail(fmt::format("{} frames came out wrong", trial->wrong));
    // Time counts as it was asked for: a load is judged by as many trials, however short the taps make them.
    search.record(*next, trial->loss_ratio());
    ++trials;
  }
  const std::vector<MlrAnswer> answers = search.answers();
  const auto received = most_received(run, stand.rig(), point);
  if (!received) return std::unexpected(received.error());
  const auto beside_victim = most_received_beside_victim(run, stand.rig(), point);
  if (!beside_victim) return std::unexpected(beside_victim.error());
  if (run.interrupted()) return Metrics{};
  return Metrics{{"ndr_pps", answers[0].load},
                 {"pdr_pps", answers[1].load},
                 {"pdr_throughput_pps", answers[1].conditional_throughput},
                 {"mrr_pps", *received},
                 {"mrr_beside_victim_pps", *beside_victim},
                 {"ndr_found", answers[0].found ? 1 : 0},
                 {"pdr_found", answers[1].found ? 1 : 0},
                 {"trials", trials}};
}

// A rig serves one of these.
struct Surroundings {
  unsigned macs = 1;
  unsigned members = 1;
  std::vector<double> sizes;
};

Result<void> run_throughput(Run& run) {
  std::vector<Surroundings> all = {{1, 1, {64}}};
  if (!run.options.quick)
    all = {{1, 1, {64, 512, 1518, kImix}},
           {1, 2, {64}},
           {10'000, 1, {64}},
           {100'000, 1, {64}},
           {1'000'000, 1, {64}}};
  for (const Surroundings& one : all) {
    const auto takes = [&](const ContenderKind& kind) {
      if (kind.delivers && one.members > kind.most_uplinks)
        leave_out(run, fmt::format("{} with {} members", kind.name, one.members),
                  {fmt::format("it takes {} here", kind.most_uplinks), "", 0});
      return kind.delivers && one.members <= kind.most_uplinks;
    };
    Grid grid{.contenders = holders_of(run, present_contenders(run, takes), one.macs),
              .points = {},
              .repetitions = run.repetitions(10, 1),
              .warm_up = false,
              .rig = {.macs_per_guest = one.macs, .members = one.members},
              .measure = [&](Stand& stand, const Point& point) { return measure(run, stand, point); }};
    for (const double size : one.sizes)
      grid.points.push_back({{"size", size}, {"macs", one.macs}, {"members", one.members}});
    if (auto done = run_grid(run, grid); !done) return done;
    if (run.interrupted()) return {};
  }
  return {};
}

std::vector<Aim> aims(const ResultSet& results) {
  // A kernel without VLANs in its bridge has the one whose tags are popped before it.
  const bool vlans =
      std::ranges::find(results.samples, "bridge", &Sample::contender) != results.samples.end();
  const std::string bridge = vlans ? "bridge" : "bridge-pop";
  const auto aim = [&](const std::string& what, const std::string& metric, std::optional<double> bound) {
    return worst_of(
        {.what = fmt::format("{}, xdpfwd / {}", what, bridge), .bound = bound, .side = Aim::Side::kAtLeast},
        results, {metric, "xdpfwd", bridge});
  };
  return {aim("MRR, the CPU to itself", "mrr_pps", 3),
          aim("MRR, beside a process", "mrr_beside_victim_pps", 3),
          aim("PDR, 0.5 %", "pdr_pps", std::nullopt)};
}

const RegisteredScenario throughput(
    {.name = "throughput",
     .summary = "NDR and PDR (0.5 %) by MLRsearch, MRR, on one CPU; sizes on the wire, 0 is IMIX",
     .run = run_throughput,
     .plots = {{"received at most", "", "", "mrr_pps", "packets per second", false, false},
               {"received at most beside a process that computes", "", "", "mrr_beside_victim_pps",
                "packets per second", false, false},
               {"PDR, 0.5 % lost", "", "", "pdr_pps", "packets per second", false, false}},
     .ratios = {{"mrr_pps", "xdpfwd", "bridge"},
                {"mrr_pps", "xdpfwd", "bridge-pop"},
                {"mrr_pps", "xdpfwd", "ovs-kernel"},
                {"mrr_pps", "xdpfwd", "bare-redirect"},
                {"mrr_beside_victim_pps", "xdpfwd", "bridge"},
                {"mrr_beside_victim_pps", "xdpfwd", "bridge-pop"},
                {"mrr_beside_victim_pps", "xdpfwd", "bare-redirect"},
                {"pdr_pps", "xdpfwd", "bridge"},
                {"pdr_pps", "xdpfwd", "bridge-pop"}},
     .table = {"ndr_pps", "pdr_pps", "mrr_pps", "mrr_beside_victim_pps", "trials", "ndr_found", "pdr_found"},
     .aims = aims,
     .order = 20});

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
#include "packer/model/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "packer/bin_packing.h"
#include "packer/model/contenders.h"

namespace xdpfwd::packer {
namespace {

constexpr uint32_t kMostCpus = 4096;
constexpr double kSettled = 1.15;  // times the oracle's CPUs

struct Seat {
  std::unique_ptr<Contender> contender;
  FluidHost host;
  std::vector<uint32_t> cpu_of;
  std::span<const NapiLoad> seen;
};

size_t cpus_of(const std::vector<uint32_t>& cpu_of) {
  return std::set<uint32_t>(cpu_of.begin(), cpu_of.end()).size();
}

}  // namespace

const FluidHost::Figures& SimulationResult::of(std::string_view contender) const {
  return std::ranges::find(contenders, contender, &ContenderResult::name)->figures;
}

double SimulationResult::cpus_over_oracle() const {
  const double oracle = of(kOracleName).cpus;
  return oracle > 0 ? of(kPackerName).cpus / oracle : 1;
}

double SimulationResult::cpus_saved_percent() const {
  const double pinned = of(kPinnedName).cpus;
  return pinned > 0 ? 100 * (1 - of(kPackerName).cpus / pinned) : 0;
}

Result<SimulationResult> simulate(std::string name, Trace& trace, const SimulationSettings& settings) {
  const size_t napis = trace.napis();
  const HostModel& model = settings.host;
  if (model.cpus == 0 || model.cpus > kMostCpus)
    return fail(fmt::format("a host of {} CPUs cannot be simulated", model.cpus),
                fmt::format("give from 1 to {} CPUs", kMostCpus));
  if (napis == 0) return fail(fmt::format("{}: no NAPI in the trace", name), "give at least one");
  auto packer = make_packer(settings.packer, model.cpus);
  if (!packer) return std::unexpected(packer.error());

  std::vector<Seat> seats;
  const auto add = [&](std::unique_ptr<Contender> contender, std::vector<uint32_t> start) {
    seats.push_back({std::move(contender), FluidHost(model, trace.cost_ns()), std::move(start), {}});
  };
  const std::vector<uint32_t> pinned = pinned_placement(napis, model.cpus);
  add(std::move(*packer), pinned);
  add(make_fixed(kPinnedName), pinned);
  add(make_fixed(kSoftirqName), softirq_placement(napis, model.cpus));
  add(make_scheduler(model.cpus, settings.seed), pinned);
  add(make_oracle(model.cpus, settings.packer.mark), pinned);

  const uint64_t intervals = trace.steps() / model.interval;
  const uint64_t warm_up = std::min<uint64_t>(settings.warm_up / model.interval, intervals / 3);
  if (intervals == 0)
    return fail(fmt::format("{}: {} ms are less than a control interval", name, trace.steps()),
                fmt::format("give at least {} ms", model.interval));
  SimulationResult result{.trace = std::move(name), .seed = settings.seed, .napis = napis};
  std::vector<float> frames(napis * model.interval);
  for (uint64_t interval = 0; interval < intervals; ++interval) {
    for (uint32_t step = 0; step < model.interval; ++step)
      trace.next(std::span(frames).subspan(step * napis, napis));
    const Coming coming{frames, trace.cost_ns(), model.interval};
    if (interval == warm_up)
      for (Seat& seat : seats) seat.host.start_counting();
    if (interval >= warm_up)
      result.fewest_cpus += static_cast<double>(fewest_bins(mean_loads(coming), settings.packer.mark)) /
                            static_cast<double>(intervals - warm_up);
    for (Seat& seat : seats) {
      seat.contender->interval(seat.seen, coming, seat.cpu_of);
      for (uint32_t step = 0; step < model.interval; ++step) {
        const auto arriving = std::span<const float>(frames).subspan(step * napis, napis);
        seat.contender->step(arriving, trace.cost_ns(), seat.cpu_of);
        seat.host.step(arriving, seat.cpu_of);
      }
      seat.seen = seat.host.end_interval();
    }
    const auto packed = static_cast<double>(cpus_of(seats.front().cpu_of));
    if (result.settled_s < 0 && packed <= kSettled * static_cast<double>(cpus_of(seats.back().cpu_of)))
      result.settled_s = static_cast<double>((interval + 1) * model.interval) / kStepsPerSecond;
  }
  result.seconds = static_cast<double>((intervals - warm_up) * model.interval) / kStepsPerSecond;
  for (const Seat& seat : seats)
    result.contenders.push_back({std::string(seat.contender->name()), seat.host.figures()});
  return result;
}

}  // namespace xdpfwd::packer

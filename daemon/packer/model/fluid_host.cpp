// SPDX-License-Identifier: BSD-2-Clause
#include "packer/model/fluid_host.h"

#include <algorithm>
#include <ranges>

#include "packer/model/trace.h"

namespace xdpfwd::packer {
namespace {

constexpr double kStep = 1e6 / kStepsPerSecond;  // us, which is what a CPU can do in a step

}  // namespace

FluidHost::FluidHost(const HostModel& model, std::span<const float> cost_ns)
    : model_(model),
      backlog_us_(cost_ns.size()),
      wanted_us_(cost_ns.size()),
      served_us_(cost_ns.size()),
      waited_us_(cost_ns.size()),
      frames_(cost_ns.size()),
      cpu_of_(cost_ns.size()),
      cpu_wanted_(model.cpus),
      cpu_arrived_(model.cpus),
      cpu_backlog_(model.cpus),
      cpu_frames_(model.cpus),
      cpu_slot_(model.cpus),
      cpu_interval_(model.cpus),
      cpu_slots_(size_t{model.cpus} * (model.interval / model.slot)),
      cpu_recent_(model.cpus),
      loads_(cost_ns.size()),
      delays_(1) {
  double mean_us = 0;
  for (const float cost : cost_ns) {
    cost_us_.push_back(static_cast<double>(cost) / 1000);
    mean_us += cost_us_.back() / static_cast<double>(cost_ns.size());
  }
  delays_ = Delays(model.burst_frames * mean_us);
}

void FluidHost::step(std::span<const float> frames, std::span<const uint32_t> cpu_of) {
  std::ranges::fill(cpu_wanted_, 0.0);
  std::ranges::fill(cpu_arrived_, 0.0);
  std::ranges::fill(cpu_backlog_, 0.0);
  std::ranges::fill(cpu_frames_, 0.0);
  for (size_t napi = 0; napi < cost_us_.size(); ++napi) {
    const uint32_t cpu = cpu_of[napi];
    double arrived = static_cast<double>(frames[napi]) * cost_us_[napi];
    arrived_frames_ += static_cast<double>(frames[napi]);
    arrived_us_ += arrived;
    if (placed_ && cpu_of_[napi] != cpu) {
      ++moves_;
      arrived += model_.move_us;
    }
    cpu_of_[napi] = cpu;
    frames_[napi] = static_cast<double>(frames[napi]);
    wanted_us_[napi] = backlog_us_[napi] + arrived;
    cpu_wanted_[cpu] += wanted_us_[napi];
    cpu_arrived_[cpu] += arrived;
    cpu_backlog_[cpu] += backlog_us_[napi];
    cpu_frames_[cpu] += frames_[napi];
  }
  placed_ = true;
  on_full_.clear();
  for (size_t napi = 0; napi < cost_us_.size(); ++napi) {
    if (cpu_wanted_[cpu_of_[napi]] > kStep) {
      on_full_.push_back(static_cast<uint32_t>(napi));
      continue;
    }
    served_us_[napi] += wanted_us_[napi];
    backlog_us_[napi] = 0;
  }
  for (uint32_t cpu = 0; cpu < model_.cpus; ++cpu) {
    cpu_slot_[cpu] += cpu_arrived_[cpu];
    cpu_interval_[cpu] += cpu_wanted_[cpu];
    if (cpu_wanted_[cpu] > kStep)
      serve_full(cpu);
    else if (cpu_backlog_[cpu] > 0)
      delays_.behind(cpu_backlog_[cpu] / 2, cpu_frames_[cpu]);  // it drains in the course of the step
    else if (cpu_frames_[cpu] > 0)
      delays_.keeping_up(cpu_arrived_[cpu] / kStep, cpu_frames_[cpu]);
  }
  ++steps_;
  ++in_interval_;
  if (++in_slot_ == model_.slot) end_slot();
}

// Equal shares, and what one does not want goes to the others.
void FluidHost::serve_full(uint32_t cpu) {
  std::vector<uint32_t> napis;
  for (const uint32_t napi : on_full_)
    if (cpu_of_[napi] == cpu) napis.push_back(napi);
  std::ranges::sort(napis, {}, [&](uint32_t napi) { return wanted_us_[napi]; });
  double left = kStep;
  for (size_t i = 0; i < napis.size(); ++i) {
    const uint32_t napi = napis[i];
    const double fair = left / static_cast<double>(napis.size() - i);
    const double given = std::min(wanted_us_[napi], fair);
    left -= given;
    served_us_[napi] += given;
    double rest = wanted_us_[napi] - given;
    if (rest > 0) {
      waited_us_[napi] += kStep - given;
      const double ring = model_.ring_frames * cost_us_[napi];
      if (rest > ring) {
        lost_frames_ += (rest - ring) / cost_us_[napi];
        rest = ring;
      }
    }
    // A frame waits for what is before it, served at this NAPI's share.
    delays_.behind((backlog_us_[napi] + rest) / 2 * kStep / std::max(given, 1.0), frames_[napi]);
    backlog_us_[napi] = rest;
  }
}

void FluidHost::end_slot() {
  in_slot_ = 0;
  const double capacity = kStep * model_.slot;
  const uint32_t whole_slots = model_.interval / model_.slot;
  const auto slots = static_cast<double>(whole_slots);
  double most = 0;
  double most_recent = 0;
  for (uint32_t cpu = 0; cpu < model_.cpus; ++cpu) {
    double& oldest = cpu_slots_[slot_ * model_.cpus + cpu];
    cpu_recent_[cpu] += cpu_slot_[cpu] - oldest;
    oldest = cpu_slot_[cpu];
    if (oldest > 0) ++cpu_slots_used_;
    if (cpu_recent_[cpu] > capacity * slots) ++over_cpus_;
    most = std::max(most, oldest);
    most_recent = std::max(most_recent, cpu_recent_[cpu]);
    cpu_slot_[cpu] = 0;
  }
  slot_ = (slot_ + 1) % whole_slots;
  ++slots_;
  if (most > capacity) ++over_slots_;
  if (most_recent > capacity * slots) ++over_;
}

std::span<const NapiLoad> FluidHost::end_interval() {
  const double length = kStep * in_interval_;
  std::vector<double> busy(model_.cpus);
  std::vector<uint32_t> napis(model_.cpus);
  for (size_t napi = 0; napi < loads_.size(); ++napi) {
    busy[cpu_of_[napi]] += served_us_[napi] / length;
    if (served_us_[napi] > 0) ++napis[cpu_of_[napi]];
  }
  for (size_t napi = 0; napi < loads_.size(); ++napi) {
    const double own = served_us_[napi] / length;
    const double others = std::min(busy[cpu_of_[napi]] - own, 0.999);
    // Also where nothing queues, a thread is ready for longer than it runs: it gets its share of what the
    // others leave, and at least its turn.
    const double turns = std::max(1.0, static_cast<double>(napis[cpu_of_[napi]]));
    const double polite = std::min(own * others / (1 - others), own * (turns - 1));
    // Nothing else is there to wait for.
    const double waiting = std::min(waited_us_[napi] / length + polite, busy[cpu_of_[napi]] - own);
    NapiLoad& load = loads_[napi];
    load.napi = static_cast<uint32_t>(napi);
    load.cpu = cpu_of_[napi];
    load.busy = static_cast<float>(own);
    load.waiting = static_cast<float>(waiting);
    served_us_[napi] = 0;
    waited_us_[napi] = 0;
  }
  for (double& work : cpu_interval_) {
    if (work > 0) ++cpus_used_;
    work = 0;
  }
  ++intervals_;
  in_interval_ = 0;
  return loads_;
}

void FluidHost::start_counting() {
  delays_ = Delays(delays_.service_us());
  steps_ = intervals_ = slots_ = over_ = over_slots_ = cpu_slots_used_ = over_cpus_ = cpus_used_ = moves_ = 0;
  arrived_frames_ = lost_frames_ = arrived_us_ = 0;
}

FluidHost::Figures FluidHost::figures() const {
  const auto ratio = [](auto part, auto whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
  };
  return {.cpus = ratio(cpus_used_, intervals_),
          .overload_percent = 100 * ratio(over_, slots_),
          .overload_cpu_percent = 100 * ratio(over_cpus_, cpu_slots_used_),
          .strict_percent = 100 * ratio(over_slots_, slots_),
          .moves_per_s = ratio(moves_ * kStepsPerSecond, steps_),
          .lost_percent = 100 * ratio(lost_frames_, arrived_frames_),
          .p50_us = delays_.quantile(0.5),
          .p99_us = delays_.quantile(0.99),
          .p999_us = delays_.quantile(0.999),
          .load = ratio(arrived_us_, static_cast<double>(steps_) * kStep)};
}

}  // namespace xdpfwd::packer

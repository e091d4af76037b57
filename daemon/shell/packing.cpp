// SPDX-License-Identifier: BSD-2-Clause
#include "shell/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "shell/log.h"

namespace xdpfwd {
namespace {

// A thread that ran for so much of the interval had frames left all the time.
constexpr float kFull = 0.98F;

float share(uint64_t before, uint64_t now, uint64_t period) {
  if (now <= before || period == 0) return 0;
  return std::min(1.0F, static_cast<float>(now - before) / static_cast<float>(period));
}

}  // namespace

std::optional<uint64_t> Packing::next_ms() const {
  return tuner_.packable().napis.empty() ? std::nullopt : std::optional(next_ms_);
}

void Packing::fail_for_a_while(const Error& error, uint64_t now_ms) {
  if (failed_ != error) log_event(spdlog::level::warn, fmt::format("packing pauses: {}", error.text()));
  failed_ = error;
  meter_.reset();
  before_.reset();
  loads_.clear();
  next_ms_ = now_ms + kPauseMs;
}

Result<bool> Packing::prepare(const Packable& packable) {
  if (!packer_ || cpus_ != packable.cpus) {
    std::vector<packer::CpuPlace> places;
    for (const PackingCpu& cpu : packable.cpus)
      places.push_back({.cpu = cpu.cpu, .node = cpu.node, .core = cpu.core});
    auto made = packer::Packer::make({}, std::move(places));
    if (!made) return std::unexpected(made.error());
    packer_ = std::move(*made);
    cpus_ = packable.cpus;
  }
  std::vector<uint32_t> ids;
  for (const PackedNapi& napi : packable.napis) ids.push_back(napi.napi);
  if (meter_ && metered_ == ids) return true;
  std::vector<NapiThread> threads;
  for (const PackedNapi& napi : packable.napis)
    threads.push_back({.nic = {.ifindex = napi.ifindex, .name = napi.device}, .napi = napi.napi});
  auto meter = kernel_.meter_threads(threads);
  if (!meter) return std::unexpected(meter.error());
  meter_ = std::move(*meter);
  metered_ = std::move(ids);
  before_.reset();
  std::erase_if(loads_,
                [&](const auto& load) { return std::ranges::find(metered_, load.first) == metered_.end(); });
  return true;
}

Result<void> Packing::sample(const Packable& packable) {
  auto reading = meter_->read();
  if (!reading) return std::unexpected(reading.error());
  const auto before = std::exchange(before_, std::move(*reading));
  if (!before) return {};
  const uint64_t period = before_->time_ns - before->time_ns;
  std::vector<packer::NapiLoad> loads;
  for (size_t i = 0; i < packable.napis.size(); ++i) {
    const PackedNapi& napi = packable.napis[i];
    Load& load = loads_[napi.napi];
    load.busy = share(before->threads[i].ran_ns, before_->threads[i].ran_ns, period);
    load.waiting = share(before->threads[i].waited_ns, before_->threads[i].waited_ns, period);
    // A thread that waits for its CPU has frames; how long they wait behind a thread that runs, nobody tells.
    loads.push_back({.napi = napi.napi,
                     .irq = napi.irq,
                     .node = napi.node,
                     .cpu = napi.cpu,
                     .busy = load.busy,
                     .waiting = load.waiting,
                     .queueing = load.busy >= kFull ? 1.0F : load.waiting,
                     .allowed = {}});
  }
  for (const packer::Move& one : packer_->decide(loads).moves) {
    const auto moved = tuner_.move(one.napi, one.to);
    cannot_move_ = !moved;
    if (!moved) return moved;
    ++loads_[one.napi].moves;
    ++moves_;
    log_event(spdlog::level::debug,
              fmt::format("NAPI {} moves from CPU {} to {}", one.napi, one.from, one.to));
  }
  return {};
}

void Packing::tick(uint64_t now_ms) {
  const Packable& packable = tuner_.packable();
  if (packable.napis.empty()) {
    meter_.reset();
    before_.reset();
    loads_.clear();
    packer_.reset();
    failed_.reset();
    cannot_move_ = false;
    next_ms_ = now_ms;
    return;
  }
  if (now_ms < next_ms_) return;
  next_ms_ = now_ms + kPeriodMs;
  const auto ready = prepare(packable);
  if (!ready) return fail_for_a_while(ready.error(), now_ms);
  if (const auto sampled = sample(packable); !sampled) return fail_for_a_while(sampled.error(), now_ms);
  if (!cannot_move_) failed_.reset();
}

PackingReport Packing::report() const {
  PackingReport report{.napis = static_cast<uint32_t>(tuner_.packable().napis.size()),
                       .cpus_allowed = static_cast<uint32_t>(tuner_.packable().cpus.size()),
                       .cpus_used = 0,
                       .moves = moves_,
                       .failure = failed_ ? failed_->text() : ""};
  std::set<uint32_t> used;
  for (const PackedNapi& napi : tuner_.packable().napis) used.insert(napi.cpu);
  report.cpus_used = static_cast<uint32_t>(used.size());
  return report;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "shell/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
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
    refusals_.clear();  // it may have been the CPU
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
  const auto is_gone = [&](const auto& one) {
    return std::ranges::find(metered_, one.first) == metered_.end();
  };
  std::erase_if(loads_, is_gone);
  std::erase_if(refusals_, is_gone);
  alone_.clear();  // a reset may have given them other interrupts
  return true;
}

bool Packing::stays(uint32_t napi) const {
  const auto refusal = refusals_.find(napi);
  return refusal != refusals_.end() && refusal->second.until_ms > now_ms_;
}

// The interrupt first: where it cannot go (a managed one nowhere, and others to no CPU that is offline or out
// of vectors) the thread stays with it.
Result<void> Packing::move_both(const PackedNapi& napi, uint32_t cpu) {
  const uint32_t from = napi.cpu;
  const bool both = napi.irq != 0 && !alone_.contains(napi.napi);
  if (both)
    if (const auto moved = tuner_.move_interrupt(napi.napi, cpu); !moved) {
      if (moved.error().code != EIO) return moved;
      // The kernel's answer for an interrupt that nobody may move: its thread was never bound to it.
      log_event(spdlog::level::warn, fmt::format("NAPI {} of {} is packed without its interrupt: {}",
                                                 napi.napi, napi.device.view(), moved.error().text()));
      alone_.emplace(napi.napi, moved.error());
      return tuner_.move_thread(napi.napi, cpu);
    }
  auto moved = tuner_.move_thread(napi.napi, cpu);
  if (!moved && both)
    if (const auto back = tuner_.move_interrupt(napi.napi, from); !back)
      return fail(fmt::format("{}; and its interrupt does not come back: {}", moved.error().message,
                              back.error().message),
                  moved.error().remedy, moved.error().code);
  return moved;
}

void Packing::move(const PackedNapi& napi, uint32_t cpu, uint64_t now_ms) {
  const uint32_t from = napi.cpu;
  const auto moved = move_both(napi, cpu);
  if (moved) {
    refusals_.erase(napi.napi);
    ++loads_[napi.napi].moves;
    ++moves_;
    log_event(spdlog::level::debug, fmt::format("NAPI {} moves from CPU {} to {}", napi.napi, from, cpu));
    return;
  }
  Refusal& refusal = refusals_[napi.napi];
  if (refusal.error.code != moved.error().code)
    log_event(spdlog::level::warn,
              fmt::format("NAPI {} of {} stays on CPU {} for {} s: {}", napi.napi, napi.device.view(), from,
                          kStayMs / 1000, moved.error().text()));
  refusal = {.error = moved.error(), .until_ms = now_ms + kStayMs};
}

Result<void> Packing::sample(const Packable& packable, uint64_t now_ms) {
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
                     .allowed = stays(napi.napi) ? std::vector{napi.cpu} : std::vector<uint32_t>()});
  }
  for (const packer::Move& one : packer_->decide(loads).moves)
    if (const auto napi = std::ranges::find(packable.napis, one.napi, &PackedNapi::napi);
        napi != packable.napis.end())
      move(*napi, one.to, now_ms);
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
    refusals_.clear();
    alone_.clear();
    next_ms_ = now_ms;
    return;
  }
  if (now_ms < next_ms_) return;
  next_ms_ = now_ms + kPeriodMs;
  now_ms_ = now_ms;
  const auto ready = prepare(packable);
  if (!ready) return fail_for_a_while(ready.error(), now_ms);
  if (const auto sampled = sample(packable, now_ms); !sampled)
    return fail_for_a_while(sampled.error(), now_ms);
  failed_.reset();
}

// One text for all: a host of many queues has the same trouble with each.
std::string Packing::failure() const {
  if (failed_) return failed_->text();
  const auto of = [&](uint32_t id) {
    const auto& napis = tuner_.packable().napis;
    const auto napi = std::ranges::find(napis, id, &PackedNapi::napi);
    return napi == napis.end() ? fmt::format("NAPI {}", id)
                               : fmt::format("NAPI {} of {}", id, napi->device.view());
  };
  std::vector<std::string> texts;
  for (const auto& [napi, refusal] : refusals_)
    if (stays(napi))
      texts.push_back(fmt::format("{} stays on its CPU for now: {}", of(napi), refusal.error.text()));
  for (const auto& [napi, error] : alone_)
    texts.push_back(fmt::format("{} moves without its interrupt: {}", of(napi), error.text()));
  if (texts.empty()) return {};
  return texts.size() == 1 ? texts[0] : fmt::format("{} (and {} more)", texts[0], texts.size() - 1);
}

PackingReport Packing::report() const {
  PackingReport report{.napis = static_cast<uint32_t>(tuner_.packable().napis.size()),
                       .cpus_allowed = static_cast<uint32_t>(tuner_.packable().cpus.size()),
                       .cpus_used = 0,
                       .moves = moves_,
                       .failure = failure()};
  std::set<uint32_t> used;
  for (const PackedNapi& napi : tuner_.packable().napis) used.insert(napi.cpu);
  report.cpus_used = static_cast<uint32_t>(used.size());
  return report;
}

}  // namespace xdpfwd

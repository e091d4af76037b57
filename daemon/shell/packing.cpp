// SPDX-License-Identifier: BSD-2-Clause
#include "shell/packing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <span>

#include "shell/log.h"

namespace xdpfwd {
namespace {

float share(uint64_t before, uint64_t now, uint64_t period) {
  if (now <= before || period == 0) return 0;
  return std::min(1.0F, static_cast<float>(now - before) / static_cast<float>(period));
}

uint32_t a_second(uint64_t before, uint64_t now, uint64_t period_ns) {
  if (now <= before || period_ns == 0) return 0;
  return static_cast<uint32_t>(std::min((now - before) * 1'000'000'000 / period_ns, uint64_t{UINT32_MAX}));
}

NapiThread thread_of(const PackedNapi& napi) {
  return {.nic = {.ifindex = napi.ifindex, .name = napi.device}, .napi = napi.napi, .irq = napi.irq};
}

}  // namespace

std::optional<uint64_t> Packing::next_ms() const {
  return tuner_.packable().napis.empty() && is_clear() ? std::nullopt : std::optional(next_ms_);
}

bool Packing::is_clear() const {
  return nics_.empty() && loads_.empty() && !packer_ && !failed_ && refusals_.empty() && alone_.empty();
}

void Packing::clear() {
  nics_.clear();
  loads_.clear();
  packer_.reset();
  failed_.reset();
  refusals_.clear();
  alone_.clear();
}

void Packing::fail_for_a_while(MeteredNic& nic, const Error& error, std::span<const PackedNapi> napis) {
  if (nic.failed != error)
    log_event(spdlog::level::warn,
              fmt::format("packing of {} pauses: {}", napis.front().device.view(), error.text()));
  for (const PackedNapi& napi : napis) loads_.erase(napi.napi);
  surprised_ = surprised_ || error.code == ESRCH;
  const uint64_t pause_ms = std::min(kPauseMs << std::min(nic.failures, 10U), Tuner::kPeriodMs);
  nic = {.threads = {},
         .meter = {},
         .outdated = false,
         .last = std::move(nic.last),
         .before = {},
         .failed = error,
         .failures = nic.failures + 1,
         .retry_ms = now_ms_ + pause_ms};
}

Result<void> Packing::make_packer(const Packable& packable) {
  if (packer_ && cpus_ == packable.cpus && target_percent_ == packable.target_percent) return {};
  std::vector<packer::CpuPlace> places;
  places.reserve(packable.cpus.size());
  for (const PackingCpu& cpu : packable.cpus)
    places.push_back({.cpu = cpu.cpu, .node = cpu.node, .core = cpu.core});
  packer::PackerSettings settings;
  settings.target = static_cast<float>(packable.target_percent) / 100;
  settings.mark = static_cast<float>(packer::usual_mark(packable.target_percent) / 100);
  auto made = packer::Packer::make(settings, std::move(places));
  if (!made) return std::unexpected(made.error());
  packer_ = std::move(*made);
  refusals_.clear();  // it may have been the CPU
  cpus_ = packable.cpus;
  target_percent_ = packable.target_percent;
  return {};
}

void Packing::forget_those_gone(const Packable& packable) {
  const auto is_gone = [&](const auto& one) {
    return std::ranges::find(packable.napis, one.first, &PackedNapi::napi) == packable.napis.end();
  };
  std::erase_if(loads_, is_gone);
  std::erase_if(refusals_, is_gone);
  std::erase_if(alone_, is_gone);
  std::erase_if(nics_, [&](const auto& nic) {
    return std::ranges::find(packable.napis, nic.first, &PackedNapi::ifindex) == packable.napis.end();
  });
}

bool Packing::refused(uint32_t napi) const {
  const auto refusal = refusals_.find(napi);
  return refusal != refusals_.end() && refusal->second.until_ms > now_ms_;
}

// Empty: to all.
std::vector<uint32_t> Packing::may_go_to(const PackedNapi& napi) const {
  if (!refused(napi.napi)) return {};
  const std::vector<uint32_t>& by = refusals_.at(napi.napi).cpus;
  std::vector<uint32_t> cpus = {napi.cpu};
  if (by.size() < kMostRefusals)
    for (const PackingCpu& one : cpus_)
      if (one.cpu != napi.cpu && std::ranges::find(by, one.cpu) == by.end()) cpus.push_back(one.cpu);
  return cpus;
}

size_t Packing::MeteredNic::nth(uint32_t napi) const {
  return static_cast<size_t>(std::ranges::find(threads, napi, &NapiThread::napi) - threads.begin());
}

// By the meter: it holds what tells that both are still what the tuner saw.
Result<void> Packing::move_thread(const PackedNapi& napi, uint32_t cpu) {
  const MeteredNic& nic = nics_.at(napi.ifindex);
  auto moved = nic.meter->move_thread(nic.nth(napi.napi), cpu);
  if (moved) tuner_.thread_moved(napi.napi, cpu);
  return moved;
}

Result<void> Packing::move_interrupt(const PackedNapi& napi, uint32_t cpu) {
  MeteredNic& nic = nics_.at(napi.ifindex);
  auto moved = nic.meter->move_interrupt(nic.nth(napi.napi), cpu);
  if (moved) tuner_.interrupt_moved(napi.napi, cpu);
  nic.outdated = nic.outdated || (!moved && moved.error().code == ENODEV);
  return moved;
}

// The interrupt first: where it cannot go (a managed one nowhere, and others to no CPU that is offline or out
// of vectors) the thread stays with it.
Result<void> Packing::move_both(const PackedNapi& napi, uint32_t cpu) {
  const uint32_t from = napi.cpu;
  const bool both = napi.irq != 0 && !alone_.contains(napi.napi);
  if (both)
    if (const auto moved = move_interrupt(napi, cpu); !moved) {
      if (moved.error().code != EIO) return moved;
      // The kernel's answer for an interrupt that nobody may move: its thread was never bound to it.
      log_event(spdlog::level::warn, fmt::format("NAPI {} of {} is packed without its interrupt: {}",
                                                 napi.napi, napi.device.view(), moved.error().text()));
      alone_.emplace(napi.napi, moved.error());
      return move_thread(napi, cpu);
    }
  auto moved = move_thread(napi, cpu);
  if (!moved && both)
    if (const auto back = move_interrupt(napi, from); !back)
      return fail(fmt::format("{}; and its interrupt does not come back: {}", moved.error().message,
                              back.error().message),
                  moved.error().remedy, moved.error().code);
  return moved;
}

void Packing::move(const PackedNapi& napi, uint32_t cpu) {
  const uint32_t from = napi.cpu;
  const auto moved = move_both(napi, cpu);
  if (moved) {
    refusals_.erase(napi.napi);
    ++loads_[napi.napi].moves;
    ++moves_;
    log_event(spdlog::level::debug, fmt::format("NAPI {} moves from CPU {} to {}", napi.napi, from, cpu));
    return;
  }
  // The CPU is offline; the interrupt or the thread is another by now.
  const int code = moved.error().code;
  surprised_ = surprised_ || code == EINVAL || code == ENODEV || code == ESRCH;
  Refusal& refusal = refusals_[napi.napi];
  if (refusal.error.code != moved.error().code)
    log_event(spdlog::level::warn,
              fmt::format("NAPI {} of {} cannot move from CPU {} to {}, which is left alone for {} s: {}",
                          napi.napi, napi.device.view(), from, cpu, kStayMs / 1000, moved.error().text()));
  if (!refused(napi.napi)) refusal.cpus.clear();
  refusal.cpus.push_back(cpu);
  refusal.error = moved.error();
  refusal.until_ms = now_ms_ + kStayMs;
}

// Whether it costs what it should; nothing is wrong where it does not.
void Packing::tell_how_threads_are_read(MeteredNic& nic, const InterfaceName& device) {
  const auto why = nic.meter->one_by_one();
  std::string how = why ? "one by one: " + why->message : "in one call";
  if (how == nic.read_how) return;
  nic.read_how = std::move(how);
  log_event(spdlog::level::debug, fmt::format("NAPI threads of {} are read {}", device.view(), nic.read_how));
}

void Packing::tell_uncounted(MeteredNic& nic, const InterfaceName& device) {
  const auto why = nic.meter->uncounted();
  if ((why ? why->text() : std::string()) == nic.uncounted) return;
  nic.uncounted = why ? why->text() : std::string();
  if (why)
    log_event(spdlog::level::debug,
              fmt::format("polls of {} are not counted: {}", device.view(), nic.uncounted));
}

Result<void> Packing::sample(MeteredNic& nic, std::span<const PackedNapi> napis,
                             std::vector<packer::NapiLoad>& loads) {
  const bool same = std::ranges::equal(nic.threads, napis, {}, {}, thread_of);
  if (!nic.meter || nic.outdated || !same) {
    std::vector<NapiThread> threads;
    std::ranges::transform(napis, std::back_inserter(threads), thread_of);
    auto meter = kernel_.meter_threads(threads);
    if (!meter) return std::unexpected(meter.error());
    nic.meter = std::move(*meter);
    nic.outdated = false;
    if (!same) nic.before.clear();
    nic.threads = std::move(threads);
    for (const PackedNapi& napi : napis) alone_.erase(napi.napi);  // it may have another interrupt now
  }
  auto reading = nic.meter->read();
  if (!reading) return std::unexpected(reading.error());
  tell_how_threads_are_read(nic, napis.front().device);
  tell_uncounted(nic, napis.front().device);
  nic.failed.reset();
  nic.failures = 0;
  const auto before = std::exchange(nic.before, std::move(*reading));
  // Nothing was packed meanwhile: what is the mean of many intervals tells of none.
  if (before.empty() || nic.before.front().time_ns - before.front().time_ns > kLongestMs * 1'000'000)
    return {};
  nic.last.clear();
  for (size_t i = 0; i < napis.size(); ++i) {
    const PackedNapi& napi = napis[i];
    const ThreadTimes& was = before[i];
    const ThreadTimes& now = nic.before[i];
    const uint64_t period = now.time_ns - was.time_ns;
    Load& load = loads_[napi.napi];
    load.busy = share(was.ran_ns, now.ran_ns, period);
    load.waiting = share(was.waited_ns, now.waited_ns, period);
    load.polls.reset();
    load.packets.reset();
    if (was.work && now.work) {
      load.polls = a_second(was.work->polls, now.work->polls, period);
      load.packets = a_second(was.work->packets, now.work->packets, period);
    }
    nic.last.push_back({.napi = napi.napi,
                        .irq = napi.irq,
                        .node = napi.node,
                        .cpu = napi.cpu,
                        .busy = load.busy,
                        .waiting = load.waiting,
                        .allowed = may_go_to(napi)});
  }
  loads.insert(loads.end(), nic.last.begin(), nic.last.end());
  return {};
}

// Nothing was read of a NIC: its NAPIs stay where they are, and their CPUs are as full as they were. A reset
// may have given them other ids; they come in the same order then.
void Packing::keep(const MeteredNic& nic, std::span<const PackedNapi> napis,
                   std::vector<packer::NapiLoad>& loads) const {
  for (size_t i = 0; i < napis.size(); ++i) {
    const PackedNapi& napi = napis[i];
    auto last = std::ranges::find(nic.last, napi.napi, &packer::NapiLoad::napi);
    if (last == nic.last.end() && nic.last.size() == napis.size())
      last = std::next(nic.last.begin(), static_cast<ptrdiff_t>(i));
    packer::NapiLoad load = last == nic.last.end() ? packer::NapiLoad{.measured = false} : *last;
    load.napi = napi.napi;
    load.irq = napi.irq;
    load.node = napi.node;
    load.cpu = napi.cpu;
    load.allowed = {napi.cpu};
    loads.push_back(std::move(load));
  }
}

void Packing::tick(uint64_t now_ms) {
  const Packable& packable = tuner_.packable();
  if (packable.napis.empty()) {
    clear();
    next_ms_ = now_ms;
    return;
  }
  if (now_ms < next_ms_) return;
  next_ms_ = now_ms + kPeriodMs;
  now_ms_ = now_ms;
  failed_.reset();
  if (auto made = make_packer(packable); !made) {
    failed_ = made.error();
    return;
  }
  forget_those_gone(packable);
  std::vector<packer::NapiLoad> loads;
  loads.reserve(packable.napis.size());
  std::span<const PackedNapi> rest = packable.napis;
  while (!rest.empty()) {
    const auto end = std::ranges::find_if(
        rest, [&](const PackedNapi& napi) { return napi.ifindex != rest.front().ifindex; });
    const auto napis = rest.first(static_cast<size_t>(end - rest.begin()));
    rest = rest.subspan(napis.size());
    MeteredNic& nic = nics_[napis.front().ifindex];
    const size_t others = loads.size();
    if (now_ms >= nic.retry_ms)
      if (const auto sampled = sample(nic, napis, loads); !sampled)
        fail_for_a_while(nic, sampled.error(), napis);
    if (loads.size() == others) keep(nic, napis, loads);
  }
  for (const packer::Move& one : packer_->decide(loads).moves)
    if (const auto napi = std::ranges::find(packable.napis, one.napi, &PackedNapi::napi);
        napi != packable.napis.end())
      move(*napi, one.to);
}

// One for all: a host of many queues has the same trouble with each.
std::optional<Problem> Packing::problem(uint64_t now_ms) const {
  const auto& napis = tuner_.packable().napis;
  const auto device_of = [&](uint32_t id) {
    const auto napi = std::ranges::find(napis, id, &PackedNapi::napi);
    return napi == napis.end() ? std::string() : fmt::format(" of {}", napi->device.view());
  };
  std::vector<std::string> texts;
  uint64_t retry_ms = 0;
  const auto add = [&](std::string text, uint64_t until_ms) {
    texts.push_back(std::move(text));
    if (until_ms != 0 && (retry_ms == 0 || until_ms < retry_ms)) retry_ms = until_ms;
  };
  if (failed_) add(failed_->text(), next_ms_);
  for (const auto& [ifindex, nic] : nics_)
    if (nic.failed) add(nic.failed->text(), nic.retry_ms);
  for (const auto& [napi, refusal] : refusals_)
    if (refused(napi))
      add(fmt::format("NAPI {}{} cannot move to CPU {}: {}", napi, device_of(napi),
                      fmt::join(refusal.cpus, ","), refusal.error.text()),
          refusal.until_ms);
  for (const auto& [napi, error] : alone_)
    add(fmt::format("NAPI {}{} moves without its interrupt: {}", napi, device_of(napi), error.text()), 0);
  if (texts.empty()) return std::nullopt;
  Problem problem{
      .thing = "packing",
      .why = texts.size() == 1 ? texts[0] : fmt::format("{} (and {} more)", texts[0], texts.size() - 1),
      .remedy = "see: xdpctl napi status",
      .retry_ms = {},
      .waiting = false};
  if (retry_ms > now_ms) problem.retry_ms = retry_ms - now_ms;
  return problem;
}

PackingReport Packing::report() const {
  PackingReport report{.napis = static_cast<uint32_t>(tuner_.packable().napis.size()),
                       .cpus_allowed = static_cast<uint32_t>(tuner_.packable().cpus.size()),
                       .cpus_used = 0,
                       .moves = moves_,
                       .failure = {}};
  if (auto trouble = problem(now_ms_)) report.failure = std::move(trouble->why);
  std::set<uint32_t> used;
  for (const PackedNapi& napi : tuner_.packable().napis) used.insert(napi.cpu);
  report.cpus_used = static_cast<uint32_t>(used.size());
  return report;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// What each mode of NAPI costs, and how late frames are, at shares of what the mode itself can take: at idle,
// 10, 50 and 90 % of its PDR. One queue, and four whose NAPIs share the receiving CPU. The reader runs on
// that CPU, before all others. Frames are socket buffers, as only those can be sent to a queue of choice.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "bench/cpu_kinds.h"
#include "bench/latency_figures.h"
#include "bench/napi_mode.h"
#include "bench/pdr.h"
#include "bench/queue_packets.h"

namespace xdpfwd::bench {
namespace {

constexpr double kIdlePps = 1'000;
constexpr std::array<double, 4> kPercents = {0, 10, 50, 90};
constexpr std::array<unsigned, 2> kQueues = {1, 4};

std::string name_of(const NapiModeKind& mode) {
  return fmt::format("xdpfwd, {}", mode.name);
}

Metrics figures(const Trial& trial, const ProcessCost& processes) {
  const CpuReading& cpu = trial.cpu;
  const double window_s = static_cast<double>(std::max<uint64_t>(1, cpu.at_ns)) / 1e9;
  const auto a_second = [&](uint64_t count) { return static_cast<double>(count) / window_s; };
  const auto packets = static_cast<double>(cpu.packets);
  Metrics metrics = {
      {"pps", trial.asked_pps},
      {"delivered_pps", trial.delivered_pps()},
      {"loss_percent", trial.loss_ratio() * 100},
      {"unsent_percent", static_cast<double>(trial.unsent) / static_cast<double>(trial.due) * 100},
      {"stray_percent", static_cast<double>(cpu.stray_packets) /
                            std::max(1.0, packets + static_cast<double>(cpu.stray_packets)) * 100},
      {"context_switches_per_second", a_second(cpu.switches)},
      {"interrupts_per_second", a_second(cpu.interrupts)},
      {"empty_polls_per_second", a_second(cpu.empty_polls)},
      {"packets_per_poll", packets / std::max(1.0, static_cast<double>(cpu.polls - cpu.empty_polls))}};
  metrics.merge(latency_figures(trial.latency_ns));
  metrics.merge(cpu_by_kind(cpu, processes));
  return metrics;
}

Result<Metrics> measure(Stand& stand, NapiMode mode, double pps, double seconds) {
  if (auto woken = stand.wake(); !woken) return std::unexpected(woken.error());
  auto in_mode = InNapiMode::enter(stand, mode);
  if (!in_mode) return std::unexpected(in_mode.error());
  const auto before = stand.rig().queue_packets();
  if (!before) return std::unexpected(before.error());
  ProcessCost processes;
  const auto trial =
      stand.rig().send({.pps = pps,
                        .seconds = seconds,
                        .reader = true,
                        .window_opens = [&] { processes = in_mode->processes(); },
                        .window_closes = [&] { processes = in_mode->processes() - processes; }});
  if (!trial) return std::unexpected(trial.error());
  if (trial->wrong > 0) return fail(fmt::format("{} frames came out wrong", trial->wrong));
  const auto after = stand.rig().queue_packets();
  if (!after) return std::unexpected(after.error());
  auto queues = packets_by_queue(*before, *after);
  if (!queues) return queues;
  if (auto left = in_mode->leave(); !left) return std::unexpected(left.error());
  Metrics metrics = figures(*trial, processes);
  metrics.merge(*queues);
  return metrics;
}

// The median of three: a generator that is held up once can spoil a search.
Result<Pdr> find_pdr_of(const Run& run, Stand& stand, NapiMode mode) {
  if (auto woken = stand.wake(); !woken) return std::unexpected(woken.error());
  auto in_mode = InNapiMode::enter(stand, mode);
  if (!in_mode) return std::unexpected(in_mode.error());
  std::vector<Pdr> found;
  for (int search = 0; search < (run.options.quick ? 1 : 3); ++search) {
    const auto pdr = find_pdr(run, stand.rig());
    if (!pdr) return pdr;
    found.push_back(*pdr);
  }
  if (auto left = in_mode->leave(); !left) return std::unexpected(left.error());
  std::ranges::sort(found, {}, &Pdr::pps);
  return found[found.size() / 2];
}

// Nothing: the run is interrupted, or the mode takes no load that there is a share of.
Result<Metrics> measure_share(const Run& run, Stand& stand, const NapiModeKind& mode, const Point& point) {
  Metrics metrics;
  double pps = kIdlePps;
  if (const double share = point.at(kShare) / 100; share > 0) {
    const auto pdr =
        pdr_at(run, name_of(mode), point, [&] { return find_pdr_of(run, stand, mode.mode); }, metrics);
    if (auto rested = stand.rest(); !rested) return std::unexpected(rested.error());
    if (!pdr) return std::unexpected(pdr.error());
    if (run.interrupted()) return Metrics{};
    if (*pdr == 0) return metrics;
    pps = std::max(kIdlePps, *pdr * share);
  }
  auto measured = measure(stand, mode.mode, pps, run.options.quick ? 0.3 : 1.0);
  if (auto rested = stand.rest(); !rested) return std::unexpected(rested.error());
  if (measured) measured->merge(metrics);
  return measured;
}

// By their queues, warmed up.
Result<std::map<unsigned, std::unique_ptr<Stand>>> open_stands(const Run& run, const ContenderKind& kind) {
  std::map<unsigned, std::unique_ptr<Stand>> stands;
  for (const unsigned queues : kQueues) {
    auto stand = Stand::open(kind,
                             {.ring_slots = kVirtqueueSlots,
                              .rx_cpu = run.options.rx_cpu,
                              .tx_cpu = run.options.tx_cpu,
                              .queues = queues,
                              .socket_buffers = true},
                             *run.telemetry);
    if (!stand) return std::unexpected(stand.error());
    if (auto warm = measure(**stand, NapiMode::kSoftirq, kIdlePps, 0.3); !warm)
      return std::unexpected(warm.error());
    if (auto rested = (*stand)->rest(); !rested) return std::unexpected(rested.error());
    stands[queues] = std::move(*stand);
  }
  return stands;
}

bool was_measured(const Run& run, const std::string& name) {
  return std::ranges::find(run.file.results().samples, name, &Sample::contender) !=
         run.file.results().samples.end();
}

Result<void> run_latency(Run& run) {
  const auto kinds = present_contenders(run, [](const ContenderKind& kind) { return kind.name == "xdpfwd"; });
  if (kinds.empty()) return {};
  const unsigned repetitions = run.repetitions(10, 3);
  run.progress.begin("napi-latency", kPercents.size() * kQueues.size() * kNapiModes.size() * repetitions);
  auto stands = open_stands(run, *kinds.front());
  if (!stands) return std::unexpected(stands.error());
  bool polls = true;
  for (unsigned repetition = 1; repetition <= repetitions; ++repetition)
    for (const double percent : kPercents)
      for (const unsigned queues : kQueues)
        for (const NapiModeKind& mode : kNapiModes) {
          const std::string name = name_of(mode);
          const Point point = {{kShare, percent}, {"queues", queues}};
          if (run.interrupted()) return {};
          if (mode.mode == NapiMode::kBusyPoll && !polls) continue;
          if (run.file.has(name, point, repetition)) {
            run.progress.skip();
            continue;
          }
          run.progress.step(fmt::format("{} at {}", name, point_text(point)));
          auto metrics = measure_share(run, *stands->at(queues), mode, point);
          // Not every kernel has a way for a process; where it polled before, it has.
          if (!metrics && mode.mode == NapiMode::kBusyPoll && !was_measured(run, name)) {
            leave_out(run, name, metrics.error());
            polls = false;
            continue;
          }
          if (!metrics) return fail_in(fmt::format("{} at {}", name, point_text(point)), metrics.error());
          if (metrics->empty()) continue;
          if (auto added = run.file.add({name, point, repetition, std::move(*metrics)}); !added) return added;
        }
  run.progress.end();
  return {};
}

const RegisteredScenario latency(
    {.name = "napi-latency",
     .summary = "latency and CPU with NAPI in softirqs, threads and a poller, at shares of each mode's PDR",
     .run = run_latency,
     .plots = {{"median latency", kShare, "% of the mode's PDR", "p50_us", "us", false, true},
               {"99th percentile", kShare, "% of the mode's PDR", "p99_us", "us", false, true},
               {"99.9th percentile", kShare, "% of the mode's PDR", "p999_us", "us", false, true}},
     .stacks = {{"the receiving CPU by kind",
                 kShare,
                 "% of the mode's PDR; 0: 1 kpps",
                 "% of one CPU",
                 {{"cpu_softirq_percent", "softirq"},
                  {"cpu_system_percent", "system: threads, poller"},
                  {"cpu_user_percent", "user: poller, daemon"},
                  {"cpu_harness_percent", "the reader"},
                  {"cpu_others_percent", "others here"}}}},
     .ratios = {{"p50_us", "xdpfwd, deferred 200 us", "xdpfwd, softirq"},
                {"p50_us", "xdpfwd, threaded", "xdpfwd, softirq"},
                {"p50_us", "xdpfwd, auto", "xdpfwd, softirq"},
                {"p50_us", "xdpfwd, busy-poll", "xdpfwd, softirq"},
                {"p99_us", "xdpfwd, busy-poll", "xdpfwd, softirq"}},
     .table = {"pdr_pps", "delivered_pps", "loss_percent", "unsent_percent", "cpu_softirq_percent",
               "cpu_system_percent", "cpu_user_percent", "cpu_harness_percent", "cpu_others_percent",
               "cpu_idle_percent", "context_switches_per_second", "interrupts_per_second", "packets_per_poll",
               "empty_polls_per_second", "p50_us", "p99_us", "p999_us"},
     .caveats = pdr_caveats,
     .contenders = [] { return std::vector<std::string>{"xdpfwd"}; },
     .order = 36});

}  // namespace
}  // namespace xdpfwd::bench

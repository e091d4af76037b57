// SPDX-License-Identifier: BSD-2-Clause
// What each mode of NAPI costs, and how late frames are, at shares of what the mode itself can take: at idle,
// 10, 50 and 90 % of its PDR. One queue, and four whose NAPIs share the receiving CPU. The reader runs on
// that CPU, before all others. Frames are socket buffers, as only those can be sent to a queue of choice.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "bench/cpu_kinds.h"
#include "bench/grid.h"
#include "bench/napi_mode.h"
#include "bench/pdr.h"

namespace xdpfwd::bench {
namespace {

constexpr double kIdlePps = 1'000;
constexpr std::array<double, 4> kPercents = {0, 10, 50, 90};
constexpr std::array<unsigned, 2> kQueues = {1, 4};

// How many each queue got; an error if one got none.
Result<Metrics> by_queue(const std::vector<uint64_t>& before, const std::vector<uint64_t>& after) {
  Metrics metrics;
  for (size_t queue = 0; queue < after.size(); ++queue) {
    if (after[queue] == before[queue]) return fail(fmt::format("queue {} got no frame", queue));
    metrics[fmt::format("queue{}_packets", queue)] = static_cast<double>(after[queue] - before[queue]);
  }
  return metrics;
}

Metrics figures(const Trial& trial, const ProcessCost& processes) {
  const CpuReading& cpu = trial.cpu;
  const double window_s = static_cast<double>(std::max<uint64_t>(1, cpu.at_ns)) / 1e9;
  const auto a_second = [&](uint64_t count) { return static_cast<double>(count) / window_s; };
  const auto us = [&](double share) {
    return static_cast<double>(trial.latency_ns.percentile(share)) / 1000;
  };
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
      {"packets_per_poll", packets / std::max(1.0, static_cast<double>(cpu.polls - cpu.empty_polls))},
      {"p50_us", us(0.5)},
      {"p99_us", us(0.99)},
      {"p999_us", us(0.999)}};
  metrics.merge(cpu_by_kind(cpu, processes));
  return metrics;
}

Result<Metrics> measure(Stand& stand, NapiMode mode, double pps, double seconds) {
  if (auto woken = stand.wake(); !woken) return std::unexpected(woken.error());
  auto in_mode = InNapiMode::enter(stand, mode);
  if (!in_mode) return std::unexpected(in_mode.error());
  const std::vector<uint64_t> before = stand.rig().queue_packets();
  ProcessCost processes;
  const auto trial =
      stand.rig().send({.pps = pps,
                        .seconds = seconds,
                        .reader = true,
                        .window_opens = [&] { processes = in_mode->processes(); },
                        .window_closes = [&] { processes = in_mode->processes() - processes; }});
  if (!trial) return std::unexpected(trial.error());
  auto queues = by_queue(before, stand.rig().queue_packets());
  if (auto left = in_mode->leave(); !left) return std::unexpected(left.error());
  if (!queues) return queues;
  Metrics metrics = figures(*trial, processes);
  metrics.merge(*queues);
  return metrics;
}

Result<double> most_of(const Run& run, Stand& stand, NapiMode mode) {
  if (auto woken = stand.wake(); !woken) return std::unexpected(woken.error());
  auto in_mode = InNapiMode::enter(stand, mode);
  if (!in_mode) return std::unexpected(in_mode.error());
  // The median of three: a generator that is held up once can spoil a search.
  std::vector<double> found;
  for (int search = 0; search < (run.options.quick ? 1 : 3); ++search) {
    const auto pdr = find_pdr(run, stand.rig());
    if (!pdr) return pdr;
    found.push_back(*pdr);
  }
  if (auto left = in_mode->leave(); !left) return std::unexpected(left.error());
  std::ranges::sort(found);
  return found[found.size() / 2];
}

Result<void> run_latency(Run& run) {
  const auto kinds = present_contenders(run, [](const ContenderKind& kind) { return kind.name == "xdpfwd"; });
  if (kinds.empty()) return {};
  const unsigned repetitions = run.repetitions(10, 3);
  run.progress.begin("napi-latency", kPercents.size() * kQueues.size() * kNapiModes.size() * repetitions);
  std::map<unsigned, std::unique_ptr<Stand>> stands;
  for (const unsigned queues : kQueues) {
    auto stand = Stand::open(*kinds.front(),
                             {.ring_slots = kVirtqueueSlots,
                              .rx_cpu = run.options.rx_cpu,
                              .tx_cpu = run.options.tx_cpu,
                              .queues = queues,
                              .socket_buffers = true},
                             *run.telemetry);
    if (!stand) return std::unexpected(stand.error());
    stands[queues] = std::move(*stand);
  }
  std::map<std::pair<unsigned, NapiMode>, double> most;
  bool polls = true;  // not where the kernel has no way for a process
  for (unsigned repetition = 1; repetition <= repetitions; ++repetition)
    for (const double percent : kPercents)
      for (const unsigned queues : kQueues)
        for (const NapiModeKind& mode : kNapiModes) {
          const std::string name = fmt::format("xdpfwd, {}", mode.name);
          const Point point = {{"percent_of_pdr", percent}, {"queues", queues}};
          if (run.interrupted()) return {};
          if (mode.mode == NapiMode::kBusyPoll && !polls) continue;
          if (run.file.has(name, point, repetition)) {
            run.progress.skip();
            continue;
          }
          run.progress.step(fmt::format("{} at {}", name, point_text(point)));
          Stand& stand = *stands[queues];
          double& most_pps = most[{queues, mode.mode}];
          if (most_pps == 0) {
            const auto found = most_of(run, stand, mode.mode);
            if (auto rested = stand.rest(); !rested) return rested;
            if (!found && mode.mode == NapiMode::kBusyPoll) {
              leave_out(run, name, found.error());
              polls = false;
              continue;
            }
            if (!found) return fail_in(name, found.error());
            if (run.interrupted()) return {};
            most_pps = *found;
          }
          const double pps = std::max(kIdlePps, most_pps * percent / 100);
          auto metrics = measure(stand, mode.mode, pps, run.options.quick ? 0.3 : 1.0);
          if (auto rested = stand.rest(); !rested) return rested;
          if (!metrics) return fail_in(name, metrics.error());
          (*metrics)["pdr_pps"] = most_pps;
          if (auto added = run.file.add({name, point, repetition, std::move(*metrics)}); !added) return added;
        }
  run.progress.end();
  return {};
}

const RegisteredScenario latency(
    {.name = "napi-latency",
     .summary = "latency and CPU with NAPI in softirqs, threads and a poller, at shares of each mode's PDR",
     .run = run_latency,
     .plots = {{"median latency", "percent_of_pdr", "% of the mode's PDR", "p50_us", "us", false, true},
               {"99th percentile", "percent_of_pdr", "% of the mode's PDR", "p99_us", "us", false, true},
               {"99.9th percentile", "percent_of_pdr", "% of the mode's PDR", "p999_us", "us", false, true}},
     .stacks = {{"the receiving CPU by kind",
                 "percent_of_pdr",
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
     .contenders = {{"xdpfwd"}},
     .order = 36});

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// Article 3: who runs NAPI. In softirqs, on top of whatever is running, soon or late; in a kernel thread for
// each queue that the scheduler sees, here pinned to the receiving CPU, or put there by the packer (auto); or
// in xdpfwd-poller, which wants that CPU for itself and here has a victim beside it. What it costs, what the
// victim keeps, and how late frames are. Each mode is a contender.
#include <fmt/format.h>

#include <algorithm>

#include "bench/cpu_kinds.h"
#include "bench/grid.h"
#include "bench/latency_figures.h"
#include "bench/napi_mode.h"
#include "bench/victim.h"

namespace xdpfwd::bench {
namespace {

Result<Metrics> measure(Stand& stand, NapiMode mode, double pps, double seconds) {
  if (auto woken = stand.wake(); !woken) return std::unexpected(woken.error());
  auto in_mode = InNapiMode::enter(stand, mode);
  if (!in_mode) return std::unexpected(in_mode.error());
  Rig& rig = stand.rig();
  uint64_t steps = 0;
  uint64_t daemon_ns = 0;  // in mode auto it decides
  ProcessCost processes;
  Victim victim(rig.rx_cpu());
  if (auto started = victim.start(); !started) return std::unexpected(started.error());
  const auto beside_victim = rig.send({.pps = pps,
                                       .seconds = seconds,
                                       .window_opens =
                                           [&] {
                                             steps = victim.steps();
                                             daemon_ns = stand.cost().cpu_ns;
                                             processes = in_mode->processes();
                                           },
                                       .window_closes =
                                           [&] {
                                             steps = victim.steps() - steps;
                                             daemon_ns = stand.cost().cpu_ns - daemon_ns;
                                             processes = in_mode->processes() - processes;
                                           }});
  victim.stop();
  if (!beside_victim) return std::unexpected(beside_victim.error());
  if (beside_victim->wrong > 0) return fail(fmt::format("{} frames came out wrong", beside_victim->wrong));
  const auto read = rig.send({.pps = pps, .seconds = seconds, .reader = true});
  if (!read) return std::unexpected(read.error());
  if (read->wrong > 0) return fail(fmt::format("{} frames came out wrong", read->wrong));
  if (auto left = in_mode->leave(); !left) return std::unexpected(left.error());
  const CpuReading& cpu = beside_victim->cpu;
  const auto packets = static_cast<double>(cpu.packets);
  const uint64_t thread_ns = cpu.task_ns[BENCH_TASK_NAPI] + cpu.task_ns[BENCH_TASK_POLLER];
  const auto window_ns = static_cast<double>(cpu.at_ns);
  if (packets == 0 || window_ns == 0) return Metrics{};
  Metrics metrics = {
      {"softirq_ns_per_packet", static_cast<double>(cpu.net_softirq_ns) / packets},
      {"thread_ns_per_packet", static_cast<double>(thread_ns) / packets},
      {"daemon_ns_per_packet", static_cast<double>(daemon_ns) / packets},
      {"host_ns_per_packet", static_cast<double>(cpu.net_softirq_ns + thread_ns + daemon_ns) / packets},
      {"user_percent", static_cast<double>(steps) * static_cast<double>(victim.step_ns()) / window_ns * 100},
      {"context_switches_per_second", static_cast<double>(cpu.switches) / window_ns * 1e9},
      {"packets_per_poll", packets / std::max(1.0, static_cast<double>(cpu.polls - cpu.empty_polls))},
      {"loss_percent", beside_victim->loss_ratio() * 100},
      {"loss_percent_with_reader", read->loss_ratio() * 100}};
  metrics.merge(latency_figures(read->latency_ns));
  metrics.merge(cpu_by_kind(cpu, processes));
  return metrics;
}

Result<void> run_modes(Run& run) {
  const auto kinds = present_contenders(run, [](const ContenderKind& kind) { return kind.name == "xdpfwd"; });
  if (kinds.empty()) return {};
  const std::vector<double> rates =
      run.options.quick ? std::vector<double>{10e3, 200e3} : std::vector<double>{10e3, 50e3, 200e3, 500e3};
  const unsigned repetitions = run.repetitions();
  run.progress.begin("napi-modes", rates.size() * kNapiModes.size() * repetitions);
  auto stand = Stand::open(*kinds.front(), {.rx_cpu = run.options.rx_cpu, .tx_cpu = run.options.tx_cpu},
                           *run.telemetry);
  if (!stand) return std::unexpected(stand.error());
  bool polls = true;  // not where the kernel has no way for a process
  for (unsigned repetition = 0; repetition <= repetitions; ++repetition)
    for (const double pps : rates)
      for (const NapiModeKind& mode : kNapiModes) {
        const std::string name = fmt::format("xdpfwd, {}", mode.name);
        const Point point = {{"pps", pps}};
        const bool warming = repetition == 0;
        if (mode.mode == NapiMode::kBusyPoll && !polls) continue;
        if (run.interrupted()) return {};
        if (warming && pps != rates.front()) continue;
        if (!warming && run.file.has(name, point, repetition)) {
          run.progress.skip();
          continue;
        }
        if (!warming) run.progress.step(fmt::format("{} at {}", name, point_text(point)));
        auto metrics = measure(**stand, mode.mode, pps, run.options.quick ? 0.3 : 0.5);
        if (auto rested = (*stand)->rest(); !rested) return rested;
        if (!metrics && mode.mode == NapiMode::kBusyPoll) {
          leave_out(run, name, metrics.error());
          polls = false;
          continue;
        }
        if (!metrics) return fail_in(name, metrics.error());
        if (warming || metrics->empty()) continue;
        if (auto added = run.file.add({name, point, repetition, std::move(*metrics)}); !added) return added;
      }
  run.progress.end();
  return {};
}

const RegisteredScenario modes(
    {.name = "napi-modes",
     .summary = "xdpfwd with NAPI in softirqs, in threads and in a poller: cost, victim, latency (article 3)",
     .run = run_modes,
     .plots = {{"softirq, NAPI thread and daemon, time a packet", "pps", "packets per second",
                "host_ns_per_packet", "ns", true, true},
               {"what the victim gets", "pps", "packets per second", "user_percent", "% of one CPU", true,
                false},
               {"99th percentile of latency", "pps", "packets per second", "p99_us", "us", true, true}},
     .ratios = {{"host_ns_per_packet", "xdpfwd, deferred 200 us", "xdpfwd, softirq"},
                {"host_ns_per_packet", "xdpfwd, threaded", "xdpfwd, softirq"},
                {"host_ns_per_packet", "xdpfwd, auto", "xdpfwd, softirq"},
                {"host_ns_per_packet", "xdpfwd, busy-poll", "xdpfwd, softirq"},
                {"p99_us", "xdpfwd, threaded", "xdpfwd, softirq"},
                {"p99_us", "xdpfwd, busy-poll", "xdpfwd, softirq"}},
     .table = {"softirq_ns_per_packet", "thread_ns_per_packet", "daemon_ns_per_packet", "host_ns_per_packet",
               "user_percent", "context_switches_per_second", "packets_per_poll", "p50_us", "p99_us",
               "loss_percent", "loss_percent_with_reader"},
     .contenders = [] { return std::vector<std::string>{"xdpfwd"}; },
     .order = 35});

}  // namespace
}  // namespace xdpfwd::bench

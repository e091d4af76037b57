// SPDX-License-Identifier: BSD-2-Clause
// Article 1: what share of one CPU it takes to deliver a rate of packets to one VM, to two, and to several. A
// victim on the receiving CPU shows what is left; softirq time is taken where it begins and ends; what the
// kernel's tick says stands beside it.
#include <fmt/format.h>

#include <algorithm>

#include "bench/grid.h"
#include "bench/statistics.h"
#include "bench/victim.h"

namespace xdpfwd::bench {
namespace {

constexpr unsigned kMostGuests = 8;
constexpr double kMostLostPercent = 1;
constexpr double kMostStrayPercent = 1;

Result<Metrics> measure(Stand& stand, const Point& point, Telemetry& telemetry) {
  Rig& rig = stand.rig();
  if (auto followed = telemetry.follow(stand.processes()); !followed)
    return std::unexpected(followed.error());
  Victim victim(rig.options().rx_cpu);
  if (auto started = victim.start(); !started) return std::unexpected(started.error());
  uint64_t steps = 0;  // of the victim, in the measured window
  const auto trial = rig.send({.pps = point.at("pps"),
                               .seconds = 0.5,
                               .guests = static_cast<unsigned>(point.at("vms")),
                               .window_opens = [&] { steps = victim.steps(); },
                               .window_closes = [&] { steps = victim.steps() - steps; }});
  victim.stop();
  if (!trial) return std::unexpected(trial.error());
  const CpuReading& cpu = trial->cpu;
  const auto window_ns = static_cast<double>(cpu.at_ns);
  const auto packets = static_cast<double>(cpu.packets);
  if (packets == 0 || window_ns == 0) return Metrics{};
  // Not what /proc says of them: that has the softirqs that interrupted them in it.
  const auto process_ns = static_cast<double>(cpu.contender_ns);
  Metrics metrics = {
      {"softirq_percent", static_cast<double>(cpu.net_softirq_ns) / window_ns * 100},
      {"softirq_ns_per_packet", static_cast<double>(cpu.net_softirq_ns) / packets},
      {"user_percent", static_cast<double>(steps) * static_cast<double>(victim.step_ns()) / window_ns * 100},
      {"process_percent", process_ns / window_ns * 100},
      {"other_softirq_percent", static_cast<double>(cpu.other_softirq_ns) / window_ns * 100},
      {"other_cpus_softirq_percent", static_cast<double>(cpu.other_cpus_ns) / window_ns * 100},
      {"host_ns_per_packet", (static_cast<double>(cpu.net_softirq_ns) + process_ns) / packets},
      {"rss_mib", stand.cost().rss_mib},
      {"received_pps", packets / window_ns * 1e9},
      {"packets_per_poll", packets / std::max(1.0, static_cast<double>(cpu.polls - cpu.empty_polls))},
      {"polls_per_second", static_cast<double>(cpu.polls) / window_ns * 1e9},
      {"interrupts_per_second", static_cast<double>(cpu.interrupts) / window_ns * 1e9},
      {"stray_percent",
       static_cast<double>(cpu.stray_packets) / (packets + static_cast<double>(cpu.stray_packets)) * 100},
  };
  if (cpu.tick_all > 0) {
    metrics["tick_softirq_percent"] =
        static_cast<double>(cpu.tick_softirq) / static_cast<double>(cpu.tick_all) * 100;
    metrics["tick_user_percent"] =
        static_cast<double>(cpu.tick_user) / static_cast<double>(cpu.tick_all) * 100;
  }
  if (stand.kind().delivers) {
    metrics["loss_percent"] = trial->loss_ratio() * 100;
    // Of what was due: the generator's share, and what the cable would not take as nobody polled in time.
    const double due = std::max(1.0, static_cast<double>(trial->due)) / 100;
    metrics["unsent_percent"] = static_cast<double>(trial->unsent) / due;
    metrics["refused_percent"] = static_cast<double>(trial->refused) / due;
    metrics["delivered_pps"] = trial->delivered_pps();
    if (trial->wrong > 0) return fail(fmt::format("{} frames came out wrong", trial->wrong));
  }
  return metrics;
}

Result<void> run_ladder(Run& run) {
  // 0: all that the generator can send, where each contender shows what it can take.
  const std::vector<double> rates =
      run.options.quick
          ? std::vector<double>{10e3, 100e3, 500e3, 1000e3, 2000e3, 0}
          : std::vector<double>{10e3, 25e3, 50e3, 100e3, 250e3, 500e3, 750e3, 1000e3, 1500e3, 2000e3, 0};
  Grid grid{
      .contenders = present_contenders(run, [](const ContenderKind&) { return true; }),
      .points = {},
      .repetitions = run.repetitions(),
      .rig = {.guests = kMostGuests, .ring_slots = 65'536},
      .possible = [](const ContenderKind& kind,
                     const Point& point) { return point.at("vms") <= kind.most_guests; },
      .measure = [&run](Stand& stand, const Point& point) { return measure(stand, point, *run.telemetry); }};
  for (const double vms :
       run.options.quick ? std::vector<double>{1, 2} : std::vector<double>{1, 2, 4, kMostGuests})
    for (const double pps : rates) grid.points.push_back({{"pps", pps}, {"vms", vms}});
  return run_grid(run, grid);
}

// What other CPUs handled is in no share of the watched one.
std::vector<std::string> caveats(const ResultSet& results) {
  std::vector<std::string> all;
  for (const auto& [key, strays] : results.values("stray_percent"))
    if (const double stray = quantile(strays, 0.5); stray > kMostStrayPercent)
      all.push_back(
          fmt::format("{:.1f} % of the packets of {} at {} were handled by another CPU than the one watched",
                      stray, key.first, point_text(key.second)));
  return all;
}

// At equal rates: where one loses frames it has less to do.
std::vector<Aim> aims(const ResultSet& results) {
  const ResultSet both = without_refused(results, [](const Sample& sample) {
    const auto lost = sample.metrics.find("loss_percent");
    return lost != sample.metrics.end() && lost->second > kMostLostPercent ? "lost frames" : "";
  });
  return {
      worst_of({.what = "softirqs and processes, time a packet, xdpfwd / testpmd, where neither loses 1 %"},
               both, {"host_ns_per_packet", "xdpfwd", "testpmd"})};
}

// Of the bars of article 1's chart, read off its slide at netdev 0x14 within a hundredth: a server of 2020
// with a 25G NIC.
std::vector<Published> article() {
  return {{.name = "article: OVS",
           .rest = {{"vms", 1}},
           .points = {{10e3, 4},
                      {25e3, 8},
                      {50e3, 12},
                      {100e3, 14},
                      {250e3, 22},
                      {500e3, 43},
                      {750e3, 60},
                      {1000e3, 82},
                      {1500e3, 100},
                      {2000e3, 100}}},
          {.name = "article: XDP",
           .rest = {{"vms", 1}},
           .points = {{10e3, 3},
                      {25e3, 7},
                      {50e3, 12},
                      {100e3, 12},
                      {250e3, 12},
                      {500e3, 11},
                      {750e3, 16},
                      {1000e3, 21},
                      {1500e3, 31},
                      {2000e3, 39}}}};
}

const RegisteredScenario ladder({
    .name = "softirq-ladder",
    .summary =
        "softirq share of the receiving CPU against packets per second, one VM and several (article 1)",
    .run = run_ladder,
    .plots = {{"%softirq of the receiving CPU", "pps", "packets per second", "softirq_percent",
               "% of one CPU", true, false, "", article()},
              {"softirq time a packet", "pps", "packets per second", "softirq_ns_per_packet", "ns", true,
               true},
              {"what the victim gets", "pps", "packets per second", "user_percent", "% of one CPU", true,
               false},
              {"softirq and processes, time a packet", "pps", "packets per second", "host_ns_per_packet",
               "ns", true, true},
              {"loss", "pps", "packets per second", "loss_percent", "%", true, false}},
    .ratios = {{"softirq_ns_per_packet", "xdpfwd", "bridge"},
               {"softirq_ns_per_packet", "xdpfwd", "bridge-pop"},
               {"softirq_ns_per_packet", "xdpfwd", "ovs-kernel"},
               {"softirq_ns_per_packet", "xdpfwd", "bare-redirect"},
               {"softirq_ns_per_packet", "xdpfwd", "tcx"},
               {"host_ns_per_packet", "xdpfwd", "testpmd"},
               {"host_ns_per_packet", "xdpfwd", "ovs-userspace"}},
    .table = {"softirq_percent", "tick_softirq_percent", "user_percent", "tick_user_percent",
              "softirq_ns_per_packet", "process_percent", "other_cpus_softirq_percent", "stray_percent",
              "packets_per_poll", "interrupts_per_second", "delivered_pps", "loss_percent", "unsent_percent",
              "refused_percent", "rss_mib"},
    .caveats = caveats,
    .aims = aims,
    .order = 10,
});

}  // namespace
}  // namespace xdpfwd::bench

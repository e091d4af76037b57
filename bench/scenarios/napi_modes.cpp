// SPDX-License-Identifier: BSD-2-Clause
// Article 3: who runs NAPI. In softirqs, on top of whatever is running; or in a kernel thread for each queue
// that the scheduler sees (/sys/class/net/NIC/threaded), here pinned to the receiving CPU. What it costs,
// what a victim on that CPU keeps, and how late frames are. Each mode is a contender; a further one is a row
// of kModes.
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "bench/grid.h"
#include "bench/victim.h"

namespace xdpfwd::bench {
namespace {

struct Mode {
  const char* name;
  unsigned threaded;  // what is written to the uplinks' "threaded"
};
constexpr std::array<Mode, 2> kModes = {{{"softirq", 0}, {"threaded", 1}}};

// The kernel threads of the NAPIs of a device, by their names. Rigs that are not threaded have none.
std::vector<pid_t> napi_threads(const std::string& device) {
  std::vector<pid_t> found;
  std::error_code gone;
  for (const auto& process : std::filesystem::directory_iterator("/proc", gone)) {
    std::ifstream file(process.path() / "comm");
    std::string name;
    std::getline(file, name);
    if (name.starts_with(fmt::format("napi/{}-", device)))
      found.push_back(static_cast<pid_t>(std::stol(process.path().filename())));
  }
  return found;
}

uint64_t cpu_ns_of(const std::vector<pid_t>& threads) {
  uint64_t sum = 0;
  for (const pid_t thread : threads) {
    std::ifstream schedstat(fmt::format("/proc/{}/schedstat", thread));
    uint64_t on_cpu_ns = 0;
    schedstat >> on_cpu_ns;
    sum += on_cpu_ns;
  }
  return sum;
}

// A stand in one of the modes; in softirqs again when it goes.
class InMode {
 public:
  InMode(Stand& stand, const Mode& mode) : stand_(stand), mode_(mode) {}
  ~InMode() { (void)set(0); }
  InMode(const InMode&) = delete;
  InMode& operator=(const InMode&) = delete;

  Result<void> enter() {
    if (auto done = set(mode_.threaded); !done) return done;
    if (mode_.threaded == 0) return {};
    for (const std::string& uplink : stand_.rig().uplinks())
      for (const pid_t thread : napi_threads(uplink)) threads_.push_back(thread);
    if (threads_.empty()) return fail("the kernel made no NAPI thread", "it needs threaded NAPI, Linux 5.12");
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(stand_.rig().rx_cpu(), &cpus);
    for (const pid_t thread : threads_)
      if (::sched_setaffinity(thread, sizeof(cpus), &cpus) != 0)
        return fail_errno("pinning a NAPI thread", errno);
    return {};
  }
  [[nodiscard]] uint64_t thread_ns() const { return cpu_ns_of(threads_); }

 private:
  [[nodiscard]] Result<void> set(unsigned threaded) const {
    for (const std::string& uplink : stand_.rig().uplinks()) {
      const std::string path = fmt::format("{}/sys/class/net/{}/threaded", stand_.rig().folder(), uplink);
      std::ofstream file(path);
      file << threaded << std::flush;
      if (!file) return fail_errno(path, errno);
    }
    return {};
  }
  Stand& stand_;
  Mode mode_;
  std::vector<pid_t> threads_;
};

Result<Metrics> measure(Stand& stand, const Mode& mode, double pps, double seconds) {
  if (auto woken = stand.wake(); !woken) return std::unexpected(woken.error());
  InMode in_mode(stand, mode);
  if (auto entered = in_mode.enter(); !entered) return std::unexpected(entered.error());
  Rig& rig = stand.rig();
  uint64_t steps = 0;
  uint64_t thread_ns = 0;
  Victim victim(rig.rx_cpu());
  if (auto started = victim.start(); !started) return std::unexpected(started.error());
  const auto beside_victim = rig.send({.pps = pps,
                                       .seconds = seconds,
                                       .window_opens =
                                           [&] {
                                             steps = victim.steps();
                                             thread_ns = in_mode.thread_ns();
                                           },
                                       .window_closes =
                                           [&] {
                                             steps = victim.steps() - steps;
                                             thread_ns = in_mode.thread_ns() - thread_ns;
                                           }});
  victim.stop();
  if (!beside_victim) return std::unexpected(beside_victim.error());
  if (beside_victim->wrong > 0) return fail(fmt::format("{} frames came out wrong", beside_victim->wrong));
  const auto read = rig.send({.pps = pps, .seconds = seconds, .reader = true});
  if (!read) return std::unexpected(read.error());
  const CpuReading& cpu = beside_victim->cpu;
  const auto packets = static_cast<double>(cpu.packets);
  const auto window_ns = static_cast<double>(cpu.at_ns);
  if (packets == 0 || window_ns == 0) return Metrics{};
  const auto us = [&](double fraction) {
    return static_cast<double>(read->latency_ns.percentile(fraction)) / 1000;
  };
  return Metrics{
      {"softirq_ns_per_packet", static_cast<double>(cpu.net_softirq_ns) / packets},
      {"thread_ns_per_packet", static_cast<double>(thread_ns) / packets},
      {"host_ns_per_packet", static_cast<double>(cpu.net_softirq_ns + thread_ns) / packets},
      {"user_percent", static_cast<double>(steps) * static_cast<double>(victim.step_ns()) / window_ns * 100},
      {"packets_per_poll", packets / std::max(1.0, static_cast<double>(cpu.polls - cpu.empty_polls))},
      {"loss_percent", beside_victim->loss_ratio() * 100},
      {"p50_us", us(0.5)},
      {"p99_us", us(0.99)}};
}

Result<void> run_modes(Run& run) {
  const auto kinds = present_contenders(run, [](const ContenderKind& kind) { return kind.name == "xdpfwd"; });
  if (kinds.empty()) return {};
  const std::vector<double> rates =
      run.options.quick ? std::vector<double>{10e3, 200e3} : std::vector<double>{10e3, 50e3, 200e3, 500e3};
  const unsigned repetitions = run.repetitions();
  run.progress.begin("napi-modes", rates.size() * kModes.size() * repetitions);
  auto stand = Stand::open(*kinds.front(), {.rx_cpu = run.options.rx_cpu, .tx_cpu = run.options.tx_cpu},
                           *run.telemetry);
  if (!stand) return std::unexpected(stand.error());
  for (unsigned repetition = 0; repetition <= repetitions; ++repetition)
    for (const double pps : rates)
      for (const Mode& mode : kModes) {
        const std::string name = fmt::format("xdpfwd, {}", mode.name);
        const Point point = {{"pps", pps}};
        const bool warming = repetition == 0;
        if (run.interrupted()) return {};
        if (warming && pps != rates.front()) continue;
        if (!warming && run.file.has(name, point, repetition)) {
          run.progress.skip();
          continue;
        }
        if (!warming) run.progress.step(fmt::format("{} at {}", name, point_text(point)));
        auto metrics = measure(**stand, mode, pps, run.options.quick ? 0.3 : 0.5);
        if (auto rested = (*stand)->rest(); !rested) return rested;
        if (!metrics) return fail_in(name, metrics.error());
        if (warming || metrics->empty()) continue;
        if (auto added = run.file.add({name, point, repetition, std::move(*metrics)}); !added) return added;
      }
  run.progress.end();
  return {};
}

const RegisteredScenario modes(
    {.name = "napi-modes",
     .summary = "xdpfwd with NAPI in softirqs and in threads: cost, victim, latency (article 3)",
     .run = run_modes,
     .plots = {{"softirq and NAPI thread, time a packet", "pps", "packets per second", "host_ns_per_packet",
                "ns", true, true},
               {"what the victim gets", "pps", "packets per second", "user_percent", "% of one CPU", true,
                false},
               {"99th percentile of latency", "pps", "packets per second", "p99_us", "us", true, true}},
     .ratios = {{"host_ns_per_packet", "xdpfwd, threaded", "xdpfwd, softirq"},
                {"p99_us", "xdpfwd, threaded", "xdpfwd, softirq"}},
     .table = {"softirq_ns_per_packet", "thread_ns_per_packet", "host_ns_per_packet", "user_percent",
               "packets_per_poll", "p50_us", "p99_us", "loss_percent"},
     .order = 35});

}  // namespace
}  // namespace xdpfwd::bench

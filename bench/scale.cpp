// SPDX-License-Identifier: BSD-2-Clause
#include "bench/scale.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/child.h"
#include "bench/packing_scale.h"
#include "bench/stage.h"
#include "bench/tune_scale.h"
#include "core/compile.h"
#include "core/plan.h"
#include "kernel/linux_kernel.h"
#include "pktgen/tap.h"
#include "sources/files.h"

namespace xdpfwd::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kTaps = 1000;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Result<std::string> write_config(const std::string& folder, unsigned guests, unsigned max_entries) {
  std::string path = folder + "/xdpfwd.toml";
  std::ofstream file(path, std::ios::trunc);
  file << fmt::format(
      "[uplink]\ndevices = [\"up0\"]\n[fdb]\nmax_entries = {}\n[daemon]\nbpffs = \"{}/daemon\"\n"
      "state_dir = \"{}/state\"\n[control]\nsocket = \"{}/control.sock\"\n",
      max_entries, "/mnt/bpf", folder, folder);
  for (unsigned i = 0; i < guests; ++i)
    file << fmt::format("[[guest]]\nname = \"vm{}\"\ntap = \"tap{}\"\nmac = \"{}\"\nvlan = {}\n", i,
                        i % kTaps, MacAddress::from_bits(0x525400000000 + i).text(), 1 + i % 4000);
  file.close();
  if (!file) return fail("cannot write " + path);
  return path;
}

// Applies, and fails with the first step that fails.
Result<void> apply_all(Kernel& kernel, const std::vector<Action>& actions) {
  for (const Action& action : actions)
    if (const Outcome outcome = kernel.apply(action); !outcome.status) return outcome.status;
  return {};
}

Result<void> remove_all(Kernel& kernel) {
  const auto observed = kernel.observe(Scope::kWithoutRows);
  if (!observed) return std::unexpected(observed.error());
  return apply_all(kernel, plan(State{}, *observed));
}

// What the daemon does between its start and its first full table.
Result<double> time_from_files(const std::string& bpffs, const std::string& config_file) {
  const auto start = Clock::now();
  const auto texts = read_config_files(config_file);
  if (!texts) return std::unexpected(texts.error());
  const auto config = parse_config(*texts);
  if (!config) return std::unexpected(config.error());
  const auto intent = make_intent(config->settings, config->guests);
  if (!intent) return std::unexpected(intent.error());
  const auto kernel = LinuxKernel::open(bpffs);
  if (!kernel) return std::unexpected(kernel.error());
  const auto observed = (*kernel)->observe(Scope::kWithRows);
  if (!observed) return std::unexpected(observed.error());
  const Desired desired = compile(*intent, *observed, {}, {});
  if (auto applied = apply_all(**kernel, plan(desired.state, *observed)); !applied)
    return std::unexpected(applied.error());
  const double seconds = seconds_since(start);
  const auto filled = (*kernel)->observe(Scope::kWithRows);
  if (!filled) return std::unexpected(filled.error());
  if (filled->table.rows.size() != config->guests.size())
    return fail(
        fmt::format("{} rows in the table, not {}", filled->table.rows.size(), config->guests.size()));
  if (auto removed = remove_all(**kernel); !removed) return std::unexpected(removed.error());
  return seconds;
}

std::vector<Guest> synthetic_guests(unsigned count) {
  std::vector<Guest> guests;
  guests.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    const auto tap = InterfaceName::parse(fmt::format("tap{}", i % kTaps));
    const auto vlan = VlanTag::make(1 + i % 4000);
    if (!tap || !vlan) continue;
    guests.push_back({.name = fmt::format("vm{}", i),
                      .tap = *tap,
                      .macs = {MacAddress::from_bits(0x525400000000 + i)},
                      .vlans = {*vlan}});
  }
  return guests;
}

Result<double> time_a_million_rows(const std::string& bpffs) {
  constexpr unsigned kRows = 1'000'000;
  const auto intent = make_intent({.max_entries = kRows}, synthetic_guests(kRows));
  if (!intent) return std::unexpected(intent.error());
  const auto kernel = LinuxKernel::open(bpffs);
  if (!kernel) return std::unexpected(kernel.error());
  // The table and its ports are there; what is timed is the rows.
  Intent no_rows = *intent;
  no_rows.rows.clear();
  auto observed = (*kernel)->observe(Scope::kWithRows);
  if (!observed) return std::unexpected(observed.error());
  if (auto applied = apply_all(**kernel, plan(compile(no_rows, *observed, {}, {}).state, *observed));
      !applied)
    return std::unexpected(applied.error());
  observed = (*kernel)->observe(Scope::kWithRows);
  if (!observed) return std::unexpected(observed.error());
  const auto start = Clock::now();
  const Desired desired = compile(*intent, *observed, {}, {});
  if (auto applied = apply_all(**kernel, plan(desired.state, *observed)); !applied)
    return std::unexpected(applied.error());
  const double seconds = seconds_since(start);
  const auto filled = (*kernel)->observe(Scope::kWithRows);
  if (!filled) return std::unexpected(filled.error());
  if (filled->table.rows.size() != kRows)
    return fail(fmt::format("{} rows in the table", filled->table.rows.size()));
  if (auto removed = remove_all(**kernel); !removed) return std::unexpected(removed.error());
  return seconds;
}

Result<std::vector<double>> time_a_thousand_taps(const std::string& bpffs, unsigned repetitions) {
  const auto intent = make_intent({}, synthetic_guests(kTaps));
  if (!intent) return std::unexpected(intent.error());
  const auto kernel = LinuxKernel::open(bpffs);
  if (!kernel) return std::unexpected(kernel.error());
  auto observed = (*kernel)->observe(Scope::kWithRows);
  if (!observed) return std::unexpected(observed.error());
  if (auto applied = apply_all(**kernel, plan(compile(*intent, *observed, {}, {}).state, *observed));
      !applied)
    return std::unexpected(applied.error());
  std::vector<double> milliseconds;
  for (unsigned i = 0; i < repetitions; ++i) {
    const auto start = Clock::now();
    observed = (*kernel)->observe(Scope::kWithRows);
    if (!observed) return std::unexpected(observed.error());
    const std::vector<Action> actions = plan(compile(*intent, *observed, {}, {}).state, *observed);
    milliseconds.push_back(seconds_since(start) * 1000);
    if (!actions.empty()) return fail("the second plan is not empty: " + describe(actions.front()));
  }
  if (auto removed = remove_all(**kernel); !removed) return std::unexpected(removed.error());
  return milliseconds;
}

struct ProcessFacts {
  double rss_mib = 0;
  double cpu_seconds = 0;
};

ProcessFacts facts_of(pid_t pid) {
  ProcessFacts facts;
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) facts.rss_mib = std::stod(line.substr(6)) / 1024;
  std::ifstream schedstat(fmt::format("/proc/{}/schedstat", pid));
  double nanoseconds = 0;
  schedstat >> nanoseconds;  // on the CPU
  facts.cpu_seconds = nanoseconds / 1e9;
  return facts;
}

Result<void> measure_daemon(const ScaleOptions& options, const std::string& config_file,
                            ScaleReport& report) {
  const std::string log_path = "/mnt/daemon-log";
  if (mkfifo(log_path.c_str(), 0600) < 0) return fail_errno(log_path, errno);
  // Opened before somebody writes: that does not wait then.
  const UniqueFd from(open(log_path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!from || fcntl(from.get(), F_SETFL, 0) < 0) return fail_errno(log_path, errno);
  auto daemon = Child::start({.arguments = {options.daemon, "--config", config_file}, .log = log_path});
  if (!daemon) return std::unexpected(daemon.error());
  const pid_t pid = daemon->pid();
  // Its log says when it is ready.
  std::string log;
  std::array<char, 4096> chunk{};
  while (log.find("ready:") == std::string::npos) {
    const ssize_t size = read(from.get(), chunk.data(), chunk.size());
    if (size <= 0) return fail("the daemon ended: " + log);
    log.append(chunk.data(), static_cast<size_t>(size));
  }
  // Attaching made the kernel report link changes; the daemon's answer to those is not idling.
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const ProcessFacts before = facts_of(pid);
  report.idle_seconds = 5;
  std::this_thread::sleep_for(std::chrono::duration<double>(report.idle_seconds));
  const ProcessFacts after = facts_of(pid);
  report.daemon_rss_mib = after.rss_mib;
  report.daemon_idle_cpu_percent = (after.cpu_seconds - before.cpu_seconds) / report.idle_seconds * 100;
  // A pipe takes more than it says until then.
  daemon->end(SIGTERM);
  return {};
}

// What each part leaves behind goes with it, but for the taps.
Result<void> take_cables_away() {
  return run("ip link del up0 && ip link del wide0 && ip link del wide1 && ip link del packed0");
}

}  // namespace

Result<ScaleReport> run_scale(const ScaleOptions& options) {
  const auto bpffs = enter_stage();
  if (!bpffs) return std::unexpected(bpffs.error());
  if (auto cabled = add_cable("up0", "sw0"); !cabled) return std::unexpected(cabled.error());
  options.progress(fmt::format("opening {} taps", kTaps));
  std::vector<UniqueFd> taps;
  for (unsigned i = 0; i < kTaps; ++i) {
    auto tap = pktgen::open_tap({.name = fmt::format("tap{}", i), .quiet = false});
    if (!tap) return std::unexpected(tap.error());
    taps.push_back(std::move(*tap));
  }
  ScaleReport report;
  const auto set = [&](Spread& spread, const char* figure,
                       const std::vector<double>& values) -> Result<void> {
    spread = spread_of(values);
    for (unsigned i = 0; i < values.size(); ++i)
      if (auto kept = options.keep(figure, i + 1, values[i]); !kept) return kept;
    return {};
  };
  std::vector<double> guests;
  std::vector<double> rows;
  for (unsigned i = 0; i < options.repetitions; ++i) {
    if (options.interrupted()) return report;
    options.progress(
        fmt::format("100000 guests from files, 1000000 rows: {} of {}", i + 1, options.repetitions));
    const auto config = write_config("/mnt", 100'000, 131'072);
    if (!config) return std::unexpected(config.error());
    const auto from_files = time_from_files(*bpffs + "/scale", *config);
    if (!from_files) return std::unexpected(from_files.error());
    guests.push_back(*from_files);
    const auto million = time_a_million_rows(*bpffs + "/scale");
    if (!million) return std::unexpected(million.error());
    rows.push_back(*million);
  }
  if (auto kept = set(report.guests_100k_s, "guests_100k_s", guests); !kept)
    return std::unexpected(kept.error());
  if (auto kept = set(report.rows_1m_s, "rows_1m_s", rows); !kept) return std::unexpected(kept.error());
  options.progress("1000 taps observed and planned");
  const auto milliseconds = time_a_thousand_taps(*bpffs + "/scale", options.repetitions * 4);
  if (!milliseconds) return std::unexpected(milliseconds.error());
  if (auto kept = set(report.taps_1k_ms, "taps_1k_ms", *milliseconds); !kept)
    return std::unexpected(kept.error());
  if (options.interrupted()) return report;
  options.progress("the daemon with 1000 taps");
  const auto config = write_config("/mnt", kTaps, 65536);
  if (!config) return std::unexpected(config.error());
  if (auto measured = measure_daemon(options, *config, report); !measured)
    return std::unexpected(measured.error());
  if (auto kept = options.keep("daemon_rss_mib", 1, report.daemon_rss_mib); !kept)
    return std::unexpected(kept.error());
  if (auto kept = options.keep("daemon_idle_cpu_percent", 1, report.daemon_idle_cpu_percent); !kept)
    return std::unexpected(kept.error());
  if (options.interrupted()) return report;
  options.progress("tuning 2 members with 64 queues and 500 guests");
  const auto tuned = time_tuning(options.daemon, *bpffs, options.repetitions);
  if (!tuned) return std::unexpected(tuned.error());
  if (auto kept = set(report.tune_plan_s, "tune_plan_s", tuned->plan_s); !kept)
    return std::unexpected(kept.error());
  if (auto kept = set(report.tune_apply_s, "tune_apply_s", tuned->apply_s); !kept)
    return std::unexpected(kept.error());
  if (options.interrupted()) return report;
  report.tune_settings = tuned->settings;
  report.packing_seconds = 10;
  options.progress(fmt::format("{} NAPI threads packed, {} times {} s", kPackedNapis, options.repetitions,
                               report.packing_seconds));
  const auto packing = cost_of_packing(options.daemon, *bpffs, options.repetitions, report.packing_seconds);
  if (!packing) return std::unexpected(packing.error());
  if (auto kept = set(report.packing_cpu_percent, "packing_cpu_percent", *packing); !kept)
    return std::unexpected(kept.error());
  if (auto gone = take_cables_away(); !gone) return std::unexpected(gone.error());
  return report;
}

std::string scale_text(const ScaleReport& report) {
  const auto line = [](const char* what, const Spread& spread, const char* unit) {
    return fmt::format("{:<52} {:>8.3f} {} (quartiles {:.3f} to {:.3f})\n", what, spread.median, unit,
                       spread.low, spread.high);
  };
  return line("100000 guests, from files to a filled table", report.guests_100k_s, "s") +
         line("1000000 rows planned and written", report.rows_1m_s, "s") +
         line("1000 taps observed and planned", report.taps_1k_ms, "ms") +
         line("tune plan: 2 members, 64 queues, 500 guests", report.tune_plan_s, "s") +
         line(fmt::format("tune apply of the same, {} settings", report.tune_settings).c_str(),
              report.tune_apply_s, "s") +
         line(fmt::format("mode auto, {} NAPIs at rest, over {} s", kPackedNapis, report.packing_seconds)
                  .c_str(),
              report.packing_cpu_percent, "% of a CPU") +
         fmt::format("{:<52} {:>8.1f} MiB\n", "daemon's memory (RSS) with 1000 taps", report.daemon_rss_mib) +
         fmt::format("{:<52} {:>8.4f} % of a CPU, over {} s\n", "daemon's idle CPU",
                     report.daemon_idle_cpu_percent, report.idle_seconds);
}

std::string scale_json(const ScaleReport& report) {
  return nlohmann::json{{"guests_100k_s", report.guests_100k_s.median},
                        {"rows_1m_s", report.rows_1m_s.median},
                        {"taps_1k_ms", report.taps_1k_ms.median},
                        {"tune_plan_s", report.tune_plan_s.median},
                        {"tune_apply_s", report.tune_apply_s.median},
                        {"packing_cpu_percent", report.packing_cpu_percent.median},
                        {"daemon_rss_mib", report.daemon_rss_mib},
                        {"daemon_idle_cpu_percent", report.daemon_idle_cpu_percent}}
      .dump();
}

}  // namespace xdpfwd::bench

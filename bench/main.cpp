// SPDX-License-Identifier: BSD-2-Clause
// xdpfwd-bench: the command line of the benchmarks.
// Exit status: 0 measured, 1 could not measure, 2 wrong usage.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "base/version.h"
#include "bench/floor.h"
#include "bench/scale.h"

namespace xdpfwd::bench {
namespace {

int complain(const Error& error) {
  fmt::print(stderr, "xdpfwd-bench: {}\n", error.text());
  return 1;
}

void show_progress(const std::string& text) {
  if (isatty(STDERR_FILENO))
    fmt::print(stderr, "\r\033[K{}", text);
  else
    fmt::print(stderr, "{}\n", text);
}

void end_progress() {
  if (isatty(STDERR_FILENO)) fmt::print(stderr, "\r\033[K");
}

int floor(bool quick, bool json, unsigned entries) {
  FloorOptions options{.fdb_entries = entries, .progress = show_progress};
  if (quick) options.repetitions = 10;
  const auto report = run_floor(options);
  end_progress();
  if (!report) return complain(report.error());
  fmt::print("{}", floor_text(*report));
  if (json) fmt::print("{}\n", floor_json(*report));
  return 0;
}

int scale(bool quick, bool json) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
  ScaleOptions options{.daemon = self + "/xdpfwd", .progress = show_progress};
  if (!std::filesystem::exists(options.daemon)) options.daemon = "/usr/sbin/xdpfwd";
  if (quick) options.repetitions = 2;
  const auto report = run_scale(options);
  end_progress();
  if (!report) return complain(report.error());
  fmt::print("{}", scale_text(*report));
  if (json) fmt::print("{}\n", scale_json(*report));
  return 0;
}

// Everything behind "micro" is Google Benchmark's.
int micro(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "xdpfwd-bench micro");
  std::vector<char*> argv;
  argv.reserve(arguments.size());
  for (std::string& argument : arguments) argv.push_back(argument.data());
  auto argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (benchmark::ReportUnrecognizedArguments(argc, argv.data())) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app("Measures xdpfwd. Needs root; works in namespaces of its own.", "xdpfwd-bench");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("xdpfwd-bench ") + kVersion);
  bool quick = false;
  bool json = false;
  unsigned entries = 1000;
  CLI::App* floor_command =
      app.add_subcommand("floor", "cable to tap: the full path against the bare redirect and XDP_DROP");
  floor_command->add_option("--entries", entries, "rows in the table")
      ->check(CLI::Range(64U, 1U << 24))
      ->capture_default_str();
  CLI::App* scale_command =
      app.add_subcommand("scale", "many guests, rows and taps; the daemon's memory and idle CPU");
  for (CLI::App* command : {floor_command, scale_command}) {
    command->add_flag("--quick", quick, "fewer repetitions");
    command->add_flag("--json", json, "end with one line of JSON");
  }
  CLI::App* micro_command =
      app.add_subcommand("micro", "Google Benchmark of each case; --benchmark_filter=... and the like");
  micro_command->allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (*floor_command) return floor(quick, json, entries);
  if (*scale_command) return scale(quick, json);
  return micro(micro_command->remaining());
}

}  // namespace
}  // namespace xdpfwd::bench

int main(int argc, char** argv) {
  return xdpfwd::bench::run(argc, argv);
}

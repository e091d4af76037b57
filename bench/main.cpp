// SPDX-License-Identifier: BSD-2-Clause
// xdpfwd-bench: the command line of the benchmarks.
// Exit status: 0 measured, 1 could not measure, 2 wrong usage.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <map>

#include "base/number_between.h"
#include "base/version.h"
#include "bench/child.h"
#include "bench/compare.h"
#include "bench/floor.h"
#include "bench/hold_command.h"
#include "bench/napi_sim.h"
#include "bench/report.h"
#include "bench/run_command.h"
#include "bench/scale.h"
#include "bench/search_command.h"

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
  ScaleOptions options{.daemon = beside_this_program("xdpfwd"), .progress = show_progress};
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

int report(const std::string& folder) {
  const auto files = write_report(folder);
  if (!files) return complain(files.error());
  for (const ResultSet& results : read_folder(folder).value_or(std::vector<ResultSet>{}))
    if (const ScenarioKind* kind = find_scenario(results.scenario))
      fmt::print("== {}{} ==\n{}\n", results.scenario, results.complete ? "" : " (interrupted)",
                 summary_text(results, *kind));
  for (const std::string& file : *files) fmt::print("{}\n", file);
  return 0;
}

int compare(const std::string& before, const std::string& after) {
  const auto one = read_folder(before);
  if (!one) return complain(one.error());
  const auto other = read_folder(after);
  if (!other) return complain(other.error());
  const std::vector<Difference> differences = compare_runs(*one, *other);
  if (differences.empty())
    return complain({fmt::format("{} and {} have no figure in common", before, after),
                     "name two runs of the same scenario", 0});
  if (const std::string headers = differing_headers(*one, *other); !headers.empty())
    fmt::print("{}\n", headers);
  fmt::print("{}", compare_text(differences));
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app("Measures xdpfwd and what it competes with. Needs root; works in namespaces of its own.",
               "xdpfwd-bench");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("xdpfwd-bench ") + kVersion);
  bool quick = false;
  bool json = false;
  unsigned entries = 1000;
  app.add_subcommand("list", "scenarios, and the contenders that this machine can have");
  RunRequest request{.options = {.out = "xdpfwd-bench-results"}};
  CLI::App* run_command = app.add_subcommand("run", "measure scenarios, by name or all, into a folder");
  run_command->add_option("SCENARIO", request.scenarios, "names from 'list', or all")->required();
  run_command->add_option("--tier", request.tier, "of 'all': host (namespaces here) or lab (QEMU guests)")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, Tier>{{"host", Tier::kHost}, {"lab", Tier::kLab}}));
  run_command
      ->add_option("--out", request.options.out, "folder of the results; an interrupted run goes on there")
      ->capture_default_str();
  run_command->add_option("--contender", request.options.contenders, "only these; may be repeated");
  run_command
      ->add_option("--repetitions", request.options.repetitions,
                   "of each figure (default: most have 10, with --quick 1 to 3)")
      ->check(CLI::Range(1, 1000));
  run_command->add_option("--rx-cpu", request.options.rx_cpu, "the CPU that receives")->capture_default_str();
  run_command->add_option("--tx-cpu", request.options.tx_cpu, "the CPU that sends")->capture_default_str();
  std::string folder;
  CLI::App* report_command = app.add_subcommand("report", "a page, plots and tables of a run's folder");
  report_command->add_option("DIR", folder, "folder of a run")->required();
  std::string before;
  std::string after;
  CLI::App* compare_command =
      app.add_subcommand("compare", "which figures of two runs differ by more than chance");
  compare_command->add_option("A", before, "folder of a run")->required();
  compare_command->add_option("B", after, "folder of another")->required();
  HoldRequest hold;
  CLI::App* hold_command = app.add_subcommand(
      "hold", "one contender on devices that are there already, until Ctrl-C: for the lab");
  hold_command->add_option("CONTENDER", hold.contender, "a name from 'list'")->required();
  hold_command->add_option("--uplink", hold.uplinks, "a device with a cable; may be repeated")->required();
  hold_command->add_option("--bridge-port", hold.bridge_ports,
                           "what a bridge takes as its port: the uplinks' bond");
  hold_command->add_option("--guests", hold.guests, "on tap0, tap1, ...")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  hold_command->add_option("--vlan", hold.vlan, "of all guests")
      ->check(CLI::Range(1, 4094))
      ->capture_default_str();
  hold_command->add_option("--ready-file", hold.ready_file, "file to write once it works");
  SearchRequest search;
  CLI::App* search_command =
      app.add_subcommand("search", "MLRsearch, line by line, of trials that a script does: for the lab");
  search_command->add_option("--min-load", search.min_load, "frames a second")
      ->check(number_between(1, 1e9))
      ->capture_default_str();
  search_command->add_option("--max-load", search.max_load, "frames a second")
      ->check(number_between(1, 1e9))
      ->capture_default_str();
  search_command->add_option("--width", search.width, "relative")
      ->check(number_between(0.0001, 1))
      ->capture_default_str();
  search_command->add_option("--trials", search.trials, "of a load, that decide it")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  CLI::App* floor_command =
      app.add_subcommand("floor", "cable to tap: the full path against the bare redirect and XDP_DROP");
  floor_command->add_option("--entries", entries, "rows in the table")
      ->check(CLI::Range(64U, 1U << 24))
      ->capture_default_str();
  CLI::App* scale_command =
      app.add_subcommand("scale", "many guests, rows and taps; the daemon's memory and idle CPU");
  for (CLI::App* command : {floor_command, scale_command, run_command}) {
    command->add_flag("--quick", quick,
                      command == run_command ? "rough figures: fewer repetitions and points, shorter trials"
                                             : "fewer repetitions");
    command->add_flag("--json", json, "end with one line of JSON, or one a scenario");
  }
  NapiSimRequest sim;
  CLI::App* sim_command =
      app.add_subcommand("napi-sim", "the packing of NAPIs on CPUs against others, simulated; needs no root");
  sim_command->add_option("--trace", sim.traces, "a name, or a file of time_ms,napi,frames_per_s[,cost_ns]");
  sim_command->add_option("--queues", sim.queues, "NAPIs")->check(CLI::Range(1, 4096))->capture_default_str();
  sim_command->add_option("--cpus", sim.cpus)->check(CLI::Range(1, 4096))->capture_default_str();
  sim_command->add_option("--guests", sim.guests)->check(CLI::Range(1, 100'000))->capture_default_str();
  sim_command->add_option("--seed", sim.seed, "of chance")
      ->check(number_without_sign())
      ->capture_default_str();
  sim_command->add_option("--seeds", sim.seeds, "run with this many, from --seed on")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  sim_command->add_option("--load", sim.load, "percent of the CPUs that one CPU a NAPI would take")
      ->check(number_between(0.1, 100.0))
      ->capture_default_str();
  sim_command->add_option("--target", sim.target, "percent that CPUs are filled to")
      ->check(number_between(1.0, 100.0))
      ->capture_default_str();
  sim_command
      ->add_option("--mark", sim.mark, "percent above which a CPU is relieved; otherwise 5 above --target")
      ->check(number_between(1.0, 100.0));
  sim_command->add_option("--seconds", sim.seconds, "of each trace that is not a file")
      ->check(CLI::Range(1, 86'400));
  sim_command->add_flag("--json", json, "end with one line of JSON");
  sim_command->add_option("--out", sim.out, "folder for napi-sim.txt and napi-sim.json");
  CLI::App* micro_command =
      app.add_subcommand("micro", "Google Benchmark of each case; --benchmark_filter=... and the like");
  micro_command->allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (*run_command) {
    request.json = json;
    request.options.quick = quick;
    request.flags.assign(argv + 1, argv + argc);
    return run_scenarios(request);
  }
  if (*sim_command) {
    sim.json = json;
    return napi_sim(sim);
  }
  if (*search_command) return search_by_lines(search, std::cin, std::cout);
  if (*hold_command) return hold_contender(hold);
  if (*report_command) return report(folder);
  if (*compare_command) return compare(before, after);
  if (app.got_subcommand("list")) return list_kinds();
  if (*floor_command) return floor(quick, json, entries);
  if (*scale_command) return scale(quick, json);
  return micro(micro_command->remaining());
}

}  // namespace
}  // namespace xdpfwd::bench

int main(int argc, char** argv) {
  try {
    return xdpfwd::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "xdpfwd-bench: {}\n", error.what());
    return 1;
  }
}

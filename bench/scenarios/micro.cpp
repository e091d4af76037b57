// SPDX-License-Identifier: BSD-2-Clause
// The micro benchmarks as a scenario: `xdpfwd-bench micro` in a process of its own, each benchmark a
// contender.
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/scenario.h"
#include "bench/stage.h"

namespace xdpfwd::bench {
namespace {

double nanoseconds(double value, const std::string& unit) {
  if (unit == "us") return value * 1e3;
  if (unit == "ms") return value * 1e6;
  return unit == "s" ? value * 1e9 : value;
}

Result<void> run_micro(Run& run) {
  if (const auto stage = enter_stage(); !stage) return std::unexpected(stage.error());
  const unsigned repetitions = run.repetitions();
  run.progress.begin("micro", 1);
  run.progress.step("Google Benchmark");
  // By the process, not by name: the file may have been replaced meanwhile.
  if (auto done = bench::run(
          fmt::format("/proc/{}/exe micro --benchmark_format=console --benchmark_out=/mnt/micro.json "
                      "--benchmark_out_format=json --benchmark_repetitions={} "
                      "--benchmark_min_time={} --benchmark_enable_random_interleaving=true",
                      ::getpid(), repetitions, run.options.quick ? 0.01 : 0.1));
      !done)
    return done;
  std::ifstream file("/mnt/micro.json");
  std::stringstream text;
  text << file.rdbuf();
  const nlohmann::json report = nlohmann::json::parse(text.str(), nullptr, false);
  if (!report.contains("benchmarks")) return fail("Google Benchmark wrote no report");
  for (const nlohmann::json& one : report["benchmarks"]) {
    if (one.value("run_type", "") != "iteration" || one.contains("error_occurred")) continue;
    const unsigned repetition = one.value("repetition_index", 0U) + 1;
    const std::string name = one.value("run_name", one.value("name", ""));
    if (run.file.has(name, {}, repetition)) continue;
    const std::string unit = one.value("time_unit", "ns");
    if (auto added = run.file.add({name,
                                   {},
                                   repetition,
                                   {{"real_ns", nanoseconds(one.value("real_time", 0.0), unit)},
                                    {"cpu_ns", nanoseconds(one.value("cpu_time", 0.0), unit)}}});
        !added)
      return added;
  }
  run.progress.end();
  return {};
}

const RegisteredScenario micro({.name = "micro",
                                .summary = "single steps of program and control plane, by Google Benchmark",
                                .run = run_micro,
                                .table = {"real_ns", "cpu_ns"},
                                .contenders = std::vector<std::string>{},
                                .order = 90});

}  // namespace
}  // namespace xdpfwd::bench

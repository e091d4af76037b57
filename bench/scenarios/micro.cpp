// SPDX-License-Identifier: BSD-2-Clause
// The micro benchmarks as a scenario: `xdpfwd-bench micro` in a process of its own, each benchmark a
// contender.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "bench/child.h"
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
  if (run.file.results().complete) return {};
  if (const auto stage = enter_stage(); !stage) return std::unexpected(stage.error());
  run.progress.begin("micro", 1);
  run.progress.step("Google Benchmark");
  // By the process, not by name: the file may have been replaced meanwhile.
  auto benchmark = Child::start(
      {.arguments = {fmt::format("/proc/{}/exe", ::getpid()), "micro", "--benchmark_format=console",
                     "--benchmark_out=/mnt/micro.json", "--benchmark_out_format=json",
                     fmt::format("--benchmark_repetitions={}", run.repetitions(10, 1)),
                     fmt::format("--benchmark_min_time={}", run.options.quick ? 0.01 : 0.1),
                     "--benchmark_enable_random_interleaving=true"},
       .log = "/mnt/micro.log"});
  if (!benchmark) return std::unexpected(benchmark.error());
  while (benchmark->running() && !run.interrupted())
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  if (run.interrupted()) return {};
  std::ifstream file("/mnt/micro.json");
  std::stringstream text;
  text << file.rdbuf();
  const nlohmann::json report = nlohmann::json::parse(text.str(), nullptr, false);
  if (!report.contains("benchmarks"))
    return fail("Google Benchmark wrote no report: " + benchmark->last_words());
  for (const nlohmann::json& one : report["benchmarks"]) {
    if (one.value("run_type", "") != "iteration") continue;
    if (one.value("error_occurred", false)) {
      leave_out(run, one.value("run_name", ""), {one.value("error_message", ""), "", 0});
      continue;
    }
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
                                .contenders = no_contenders,
                                .order = 90});

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
#include "bench/run_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "bench/environment.h"
#include "bench/report.h"
#include "bench/self_test.h"
#include "pktgen/interrupt.h"

namespace xdpfwd::bench {
namespace {

int complain(const Error& error, int status = 1) {
  fmt::print(stderr, "xdpfwd-bench: {}\n", error.text());
  return status;
}

std::string names_of_scenarios() {
  std::string names;
  for (const ScenarioKind& kind : scenario_kinds()) names += (names.empty() ? "" : ", ") + kind.name;
  return names;
}

// "all" is those that can have what --contender names. An error: none can.
Result<std::vector<const ScenarioKind*>> all_that_take(const RunRequest& request) {
  std::vector<const ScenarioKind*> taking;
  std::vector<Error> left_out;
  for (const ScenarioKind& kind : scenario_kinds()) {
    if (kind.tier != request.tier.value_or(Tier::kHost)) continue;
    if (auto taken = check_contenders(kind, request.options.contenders); taken)
      taking.push_back(&kind);
    else
      left_out.push_back(taken.error());
  }
  if (taking.empty() && !left_out.empty()) return std::unexpected(left_out.front());
  for (const Error& why : left_out) fmt::print(stderr, "left out: {}\n", why.message);
  return taking;
}

Result<std::vector<const ScenarioKind*>> chosen_scenarios(const RunRequest& request) {
  std::vector<const ScenarioKind*> chosen;
  if (request.tier && std::ranges::find(request.scenarios, "all") == request.scenarios.end())
    return fail("--tier chooses among 'all', and scenarios are named here", "leave it out, or name: all");
  for (const std::string& name : request.scenarios) {
    if (name == "all") {
      auto all = all_that_take(request);
      if (!all) return all;
      chosen.insert(chosen.end(), all->begin(), all->end());
      continue;
    }
    const ScenarioKind* kind = find_scenario(name);
    if (kind == nullptr)
      return fail(fmt::format("there is no scenario '{}'", name),
                  "choose from: all, " + names_of_scenarios());
    if (auto taken = check_contenders(*kind, request.options.contenders); !taken)
      return std::unexpected(taken.error());
    chosen.push_back(kind);
  }
  return chosen;
}

Result<void> check_cpus(const RunOptions& options) {
  const unsigned cpus = std::thread::hardware_concurrency();
  if (options.rx_cpu == options.tx_cpu || options.rx_cpu >= cpus || options.tx_cpu >= cpus)
    return fail(fmt::format("receiving CPU {}, sending CPU {}, and the machine has {}", options.rx_cpu,
                            options.tx_cpu, cpus),
                "choose two different ones by --rx-cpu and --tx-cpu");
  return {};
}

nlohmann::json ratios_json(const ResultSet& results, const ScenarioKind& kind) {
  nlohmann::json ratios = nlohmann::json::array();
  for (const Ratios& one : ratios_of(results, kind))
    ratios.push_back({{"metric", one.what.metric},
                      {"of", one.what.contender},
                      {"to", one.what.against},
                      {"less", one.what.base},
                      {"at", one.point},
                      {"ratio", one.value.ratio},
                      {"low", one.value.low},
                      {"high", one.value.high}});
  return {{"scenario", results.scenario}, {"complete", results.complete}, {"ratios", ratios}};
}

nlohmann::json header_of(const ScenarioKind& kind, nlohmann::json header) {
  header["scenario"] = kind.name;
  return kind.tier == Tier::kLab ? of_the_lab(std::move(header)) : header;
}

}  // namespace

int list_kinds() {
  fmt::print("scenarios\n");
  for (const ScenarioKind& kind : scenario_kinds())
    fmt::print("  {:<18} {:<5} {}\n", kind.name, kind.tier == Tier::kHost ? "host" : "lab", kind.summary);
  fmt::print(
      "'floor', 'scale' and 'micro' are subcommands, too: with a text of their own, or Google Benchmark's "
      "options\n");
  fmt::print("contenders of the host tier, here\n");
  for (const ContenderKind& kind : contender_kinds()) {
    const auto there = kind.probe();
    fmt::print("  {:<18} {:<5} {}{}\n", kind.name, there ? "yes" : "no", kind.summary,
               there ? "" : fmt::format("\n{:26}{}", "", there.error().text()));
  }
  return 0;
}

int run_scenarios(const RunRequest& request) {
  pktgen::Interrupt interrupt;
  const auto chosen = chosen_scenarios(request);
  if (!chosen) return complain(chosen.error(), 2);
  const bool on_host =
      std::ranges::any_of(*chosen, [](const ScenarioKind* kind) { return kind->tier == Tier::kHost; });
  if (on_host)
    if (auto checked = check_cpus(request.options); !checked) return complain(checked.error(), 2);
  nlohmann::json header = describe_environment(request.options, request.flags);
  // Before hours of the first.
  for (const ScenarioKind* kind : *chosen)
    if (const auto old = continued(request.options.out, kind->name, header_of(*kind, header)); !old)
      return complain(old.error());
  Progress progress;
  std::unique_ptr<Telemetry> telemetry;
  if (on_host) {
    auto started = Telemetry::start(request.options.rx_cpu);
    if (!started) return complain(started.error());
    telemetry = std::move(*started);
    auto tested = self_test(request.options.rx_cpu, request.options.tx_cpu, *telemetry,
                            [&] { return interrupt.arrived(); });
    if (!tested) return complain(tested.error());
    if (interrupt.arrived()) {
      fmt::print(stderr, "interrupted before anything was measured\n");
      return 130;
    }
    progress.note(fmt::format("self-test, without any forwarder: {:.0f} pps at full speed",
                              tested->back()["pps"].get<double>()));
    header["self_test"] = std::move(*tested);
  }
  std::vector<std::string> json_lines;
  for (const ScenarioKind* kind : *chosen) {
    auto file = ResultFile::open(request.options.out, kind->name, header_of(*kind, header));
    if (!file) return complain(file.error());
    Run run{.options = request.options,
            .file = *file,
            .progress = progress,
            .telemetry = telemetry.get(),
            .interrupted = [&] { return interrupt.arrived(); }};
    const auto done = kind->run(run);
    if (!done) {
      (void)write_report(request.options.out);  // of what there is
      return complain(fail_in(kind->name, done.error()).error());
    }
    if (interrupt.arrived()) {
      fmt::print(stderr, "interrupted; {} keeps what was measured, and the same command goes on from there\n",
                 request.options.out);
      return 130;
    }
    if (auto finished = file->finish(); !finished) return complain(finished.error());
    fmt::print("== {} ==\n{}\n", kind->name, summary_text(file->results(), *kind));
    (void)std::fflush(stdout);
    json_lines.push_back(
        (kind->json_line ? kind->json_line(file->results()) : ratios_json(file->results(), *kind)).dump());
  }
  const auto written = write_report(request.options.out);
  if (!written) return complain(written.error());
  fmt::print("{}\n", written->front());
  if (request.json) fmt::print("{}\n", fmt::join(json_lines, "\n"));
  return 0;
}

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// The headline: guest instructions a packet, inside softirqs of the receiving CPU, counted by the emulator in
// the lab. With one virtual CPU and a clock that counts instructions, runs repeat themselves; with several,
// the sender has a CPU of its own. "nobody" is the same traffic with no one to receive it: the sender's own
// share, taken off from the others.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "bench/instruction_marks.h"
#include "bench/scenario.h"
#include "bench/stage.h"
#include "bench/statistics.h"
#include "lab_path.h"

namespace xdpfwd::bench {
namespace {

constexpr const char* kMetric = "softirq_instructions_per_packet";
constexpr const char* kContenders = "nobody,xdpfwd,tcx,bridge,ovs-kernel,bare-redirect,xdp-drop";
constexpr double kHeadlinePps = 10'000;
constexpr unsigned kSeveralCpus = 3;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

size_t count_of(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// One boot of the lab with so many virtual CPUs.
Result<void> run_boot(Run& run, unsigned cpus) {
  const unsigned repetitions = run.repetitions(10, 3);
  const std::string rates = run.options.quick ? "10000" : "1000,3000,10000";
  const std::string guests = run.options.quick && cpus > 1 ? "1" : "1,2";
  const size_t steps = (std::ranges::count(std::string(kContenders), ',') + 1) *
                       (std::ranges::count(rates, ',') + 1) * (std::ranges::count(guests, ',') + 1) *
                       repetitions;
  run.progress.begin(fmt::format("cost-per-packet, {} virtual CPU{}", cpus, cpus > 1 ? "s" : ""), steps);
  if (run.file.has("xdp-drop", {{"pps", kHeadlinePps}, {"vms", guests.size() > 1 ? 2 : 1}, {"cpus", cpus}},
                   repetitions)) {
    for (size_t i = 0; i < steps; ++i) run.progress.skip();
    run.progress.end();
    return {};
  }
  const std::string folder = fmt::format("{}/lab-{}", run.options.out, cpus);
  std::error_code failed;
  std::filesystem::remove_all(folder, failed);
  std::filesystem::create_directories(folder, failed);
  std::vector<std::string> command = {kLab,
                                      "run",
                                      "--count-instructions",
                                      "--cpus",
                                      std::to_string(cpus),
                                      "--timeout",
                                      "7200",
                                      "--silence",
                                      "900",
                                      "--out",
                                      folder};
  if (cpus == 1) command.emplace_back("--icount");
  for (const std::string& word :
       {std::string(kLabScript), std::string("--"), std::string(kContenders), rates, guests,
        std::to_string(run.options.quick ? 4000 : 10'000), std::to_string(repetitions)})
    command.push_back(word);
  const std::string log = folder + "/log";
  auto lab = Child::start({.arguments = command, .log = log});
  if (!lab) return std::unexpected(lab.error());
  size_t told = 0;
  while (lab->running()) {
    if (run.interrupted()) {
      lab->end(SIGTERM);
      return {};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const size_t measured = count_of(text_of(log), "measured ");
    for (; told < measured; ++told) run.progress.step("in the guest");
  }
  const std::string said = text_of(log);
  if (said.find("\ndone\n") == std::string::npos)
    return fail("the lab did not come to its end: " + lab->last_words());
  const auto marks = parse_marks(text_of(folder + "/counts.jsonl"));
  if (!marks) return std::unexpected(marks.error());
  const auto samples = samples_of_log(said, *marks, cpus > 1 ? 1 : 0, cpus);
  if (!samples) return std::unexpected(samples.error());
  for (const Sample& sample : *samples)
    if (!run.file.has(sample.contender, sample.point, sample.repetition))
      if (auto added = run.file.add(sample); !added) return added;
  run.progress.end();
  return {};
}

Result<void> run_cost(Run& run) {
  if (!std::filesystem::exists(kLab))
    return fail(fmt::format("{} is not there", kLab), "run this from a build in the source tree");
  for (const unsigned cpus : {1U, kSeveralCpus}) {
    if (run.options.quick && cpus > 1) continue;
    if (auto done = run_boot(run, cpus); !done) return done;
    if (run.interrupted()) return {};
  }
  return {};
}

nlohmann::json headline_with(const ResultSet& results, double cpus) {
  const auto values = results.values(kMetric);
  // Less what the sender costs, where the sender shares the CPU.
  const auto cost = [&](const std::string& contender, double vms) {
    const Point point = {{"pps", kHeadlinePps}, {"vms", vms}, {"cpus", cpus}};
    const auto found = values.find({contender, point});
    const auto base = values.find({"nobody", point});
    std::vector<double> net;
    if (found == values.end() || base == values.end()) return net;
    const double subtracted = quantile(base->second, 0.5);
    for (const double value : found->second) net.push_back(value - subtracted);
    return net;
  };
  const auto ratio = [&](const std::vector<double>& above,
                         const std::vector<double>& below) -> nlohmann::json {
    if (above.empty() || below.empty()) return nullptr;
    return quantile(above, 0.5) / quantile(below, 0.5);
  };
  const std::vector<double> ours = cost("xdpfwd", 1);
  return {{"xdpfwd_over_ovs", ratio(ours, cost("ovs-kernel", 1))},
          {"xdpfwd_over_bridge", ratio(ours, cost("bridge", 1))},
          {"xdpfwd_over_tcx", ratio(ours, cost("tcx", 1))},
          {"xdpfwd_over_floor", ratio(ours, cost("bare-redirect", 1))},
          {"two_vms_over_one", ratio(cost("xdpfwd", 2), ours)},
          {"ovs_two_vms_over_one", ratio(cost("ovs-kernel", 2), cost("ovs-kernel", 1))},
          {"spread_percent", ours.empty() ? nlohmann::json() : nlohmann::json(spread_of(ours).percent())}};
}

// One virtual CPU's figures repeat themselves; those of several are of the receiver's CPU alone.
nlohmann::json headline(const ResultSet& results) {
  nlohmann::json line = headline_with(results, 1);
  line["several_cpus"] = headline_with(results, kSeveralCpus);
  return line;
}

const RegisteredScenario cost_scenario(
    {.name = "cost-per-packet",
     .summary = "guest instructions a packet in softirqs of the receiving CPU, counted by the emulator",
     .tier = Tier::kLab,
     .run = run_cost,
     .plots = {{"instructions a packet", "pps", "packets per second", kMetric, "instructions", true, false}},
     .ratios = {{kMetric, "xdpfwd", "ovs-kernel", "nobody"},
                {kMetric, "xdpfwd", "bridge", "nobody"},
                {kMetric, "xdpfwd", "tcx", "nobody"},
                {kMetric, "xdpfwd", "bare-redirect", "nobody"}},
     .table = {kMetric, "softirqs_per_packet", "lost"},
     .json_line = headline,
     .order = 5});

}  // namespace
}  // namespace xdpfwd::bench

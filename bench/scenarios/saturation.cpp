// SPDX-License-Identifier: BSD-2-Clause
// How many frames a second one CPU forwards while more than that arrive. In the lab, where sender, receiver
// and reader have a CPU each and take turns by a clock that counts instructions: the emulator's speed is not
// in it. A contender whose CPU rested meanwhile could have forwarded more; that is told.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bench/contender.h"
#include "bench/lab_boot.h"
#include "bench/saturation_samples.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {
namespace {

constexpr const char* kMetric = kForwarded;
constexpr double kSaturated = 95;  // percent of the receiving CPU

std::vector<std::string> contenders() {
  return lab_contenders([](const ContenderKind& kind) { return kind.delivers; });
}

Result<void> run_saturation(Run& run) {
  const unsigned repetitions = run.repetitions(10, 3);
  std::vector<std::string> left = chosen_of(run.options, contenders());
  std::erase_if(left, [&](const std::string& contender) { return run.file.has(contender, {}, repetitions); });
  if (left.empty()) return {};
  return measure_in_boot(run,
                         {.cpus = 3,
                          .counts = false,
                          .script = "saturation.sh",
                          .arguments = {fmt::format("{}", fmt::join(left, ",")), std::to_string(repetitions)},
                          .folder = run.options.out + "/lab-saturation",
                          .measurements = left.size() * (repetitions + 1)},
                         saturation_samples);
}

std::vector<std::string> not_saturated(const ResultSet& results) {
  std::vector<std::string> all;
  for (const auto& [key, values] : results.values("busy_percent"))
    if (const double busy = quantile(values, 0.5); busy < kSaturated)
      all.push_back(fmt::format("{} was not saturated: its CPU was busy for {:.0f} %, so it can forward more",
                                key.first, busy));
  return all;
}

// One whose CPU rested could have forwarded more: of Open vSwitch the ratio would be too high, of xdpfwd too
// low.
std::vector<Aim> aims(const ResultSet& results) {
  Aim aim = worst_of({.what = "saturation, xdpfwd / ovs-kernel", .bound = 2.5, .side = Aim::Side::kAtLeast},
                     results, {kMetric, "xdpfwd", "ovs-kernel"});
  for (const auto& [key, values] : results.values("busy_percent")) {
    if (quantile(values, 0.5) >= kSaturated) continue;
    if (key.first == "ovs-kernel" || (key.first == "xdpfwd" && verdict_on(aim) == "missed")) {
      aim.measured.reset();
      aim.remark = key.first + " was not saturated";
    }
  }
  return {aim};
}

const RegisteredScenario saturation({.name = "saturation",
                                     .summary = "frames a second that one CPU forwards while more arrive",
                                     .tier = Tier::kLab,
                                     .run = run_saturation,
                                     .plots = {{"forwarded by one CPU", "", "", kMetric, "packets per second",
                                                false, false}},
                                     .ratios = {{kMetric, "xdpfwd", "ovs-kernel"},
                                                {kMetric, "xdpfwd-bridge", "ovs-kernel"},
                                                {kMetric, "xdpfwd", "bridge"},
                                                {kMetric, "xdpfwd", "bare-redirect"}},
                                     .table = {kMetric, "busy_percent", "sent_pps", "refused_percent"},
                                     .caveats = not_saturated,
                                     .aims = aims,
                                     .contenders = contenders,
                                     .order = 6});

}  // namespace
}  // namespace xdpfwd::bench

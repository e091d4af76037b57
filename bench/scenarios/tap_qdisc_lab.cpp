// SPDX-License-Identifier: BSD-2-Clause
// Article 2 with its own opponent: two CPUs storm one tap through fq_codel, which is Debian's default, and
// through none. In the lab, whose kernel has it. Instructions of the sending CPUs show a lock by who spins on
// it; so the virtual CPUs run at once. One CPU alone beside them: what a discipline costs without anybody to
// wait for. "xdpfwd tune" is what xdpfwd's own tuning makes of the default.
#include <fmt/format.h>

#include <algorithm>

#include "bench/lab_boot.h"
#include "bench/qdisc_samples.h"

namespace xdpfwd::bench {
namespace {

constexpr const char* kMetric = "instructions_per_frame";
const std::vector<std::string> kDisciplines = {"noqueue", "xdpfwd tune", "pfifo_fast", "fq_codel"};
constexpr double kSending[] = {1, 2};  // CPUs

Result<void> run_qdisc(Run& run) {
  const unsigned repetitions = run.repetitions(10, 3);
  const bool all = std::ranges::all_of(kDisciplines, [&](const std::string& discipline) {
    return std::ranges::all_of(
        kSending, [&](double cpus) { return run.file.has(discipline, {{"cpus", cpus}}, repetitions); });
  });
  if (all) return {};
  const auto words =
      run_lab_boot(run, {.cpus = 3,
                         .script = "tap_qdisc.sh",
                         .arguments = {std::to_string(repetitions)},
                         .folder = run.options.out + "/lab-tap-qdisc",
                         .measurements = kDisciplines.size() * std::size(kSending) * (repetitions + 1)});
  if (!words) return std::unexpected(words.error());
  // Also of a boot that was interrupted.
  const auto marks = parse_marks(words->counts);
  if (!marks) return std::unexpected(marks.error());
  auto samples = qdisc_samples(words->log, *marks);
  if (!samples) return std::unexpected(samples.error());
  for (Sample& sample : *samples)
    if (sample.contender == "tuned") sample.contender = "xdpfwd tune";
  return keep_samples(run, *words, *samples);
}

const RegisteredScenario qdisc(
    {.name = "tap-qdisc-lab",
     .summary = "two CPUs storm one tap through fq_codel, Debian's default, and through none (article 2)",
     .tier = Tier::kLab,
     .run = run_qdisc,
     .plots = {{"instructions a frame, CPUs that send", "", "", kMetric, "instructions", false, false},
               {"frames sent by all", "", "", "pps", "frames per second", false, false}},
     .ratios = {{kMetric, "fq_codel", "noqueue"},
                {kMetric, "pfifo_fast", "noqueue"},
                {kMetric, "xdpfwd tune", "noqueue"},
                {"pps", "fq_codel", "noqueue"},
                {"pps", "pfifo_fast", "noqueue"},
                {"pps", "xdpfwd tune", "noqueue"}},
     .table = {kMetric, "pps", "refused_percent", "dropped_percent"},
     .contenders = no_contenders,
     .order = 81});

}  // namespace
}  // namespace xdpfwd::bench

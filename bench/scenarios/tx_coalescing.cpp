// SPDX-License-Identifier: BSD-2-Clause
// Article 4: how many of a NIC's polls only clear away what it has sent, and what happens to them when the
// NIC tells of it later (ethtool -C tx-usecs). In the lab, whose NIC has an interrupt of its own for sending;
// it sends and receives at once. Each setting of tx-usecs is a contender.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "bench/instruction_marks.h"
#include "bench/lab_boot.h"
#include "bench/poll_histogram.h"

namespace xdpfwd::bench {
namespace {

Result<void> run_coalescing(Run& run) {
  const unsigned repetitions = run.repetitions(10, 3);
  const std::vector<std::string> settings = {"0", "20", "150"};
  const auto name_of = [](const std::string& usecs) { return "tx-usecs " + usecs; };
  const bool all = std::ranges::all_of(
      settings, [&](const std::string& usecs) { return run.file.has(name_of(usecs), {}, repetitions); });
  if (all) return {};
  const auto words =
      run_lab_boot(run, {.script = "tx_coalescing.sh",
                         .arguments = {fmt::format("{}", fmt::join(settings, ",")), "4000", "6000",
                                       run.options.quick ? "2000" : "8000", std::to_string(repetitions)},
                         .folder = run.options.out + "/lab-tx-coalescing",
                         .measurements = settings.size() * repetitions});
  if (!words) return std::unexpected(words.error());
  const auto marks = parse_marks(words->counts);
  if (!marks) return std::unexpected(marks.error());
  auto samples = poll_samples(words->log, *marks);
  if (!samples) return std::unexpected(samples.error());
  for (Sample& sample : *samples) sample.contender = name_of(sample.contender);
  return keep_samples(run, *words, *samples);
}

const RegisteredScenario coalescing(
    {.name = "tx-coalescing",
     .summary = "napi_poll's work by tx-usecs of a NIC that sends and receives (article 4)",
     .tier = Tier::kLab,
     .run = run_coalescing,
     .plots = {{"polls without work", "", "", "polls_of_0_per_second", "a second", false, false},
               {"softirq instructions a packet", "", "", "softirq_instructions_per_packet", "instructions",
                false, false}},
     .ratios = {{"polls_of_0_per_second", "tx-usecs 150", "tx-usecs 0"},
                {"softirq_instructions_per_packet", "tx-usecs 150", "tx-usecs 0"}},
     .table = {"polls_of_0_per_second", "polls_of_1_per_second", "polls_of_2_per_second",
               "polls_of_3_per_second", "polls_of_more_per_second", "softirq_instructions_per_packet"},
     .contenders = no_contenders,
     .order = 75});

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// The highest rate at which one CPU loses nothing (NDR) and half a percent (PDR), by MLRsearch. In the lab,
// where sender, receiver and reader have a CPU each and take turns by a clock that counts instructions: a
// host that is shared takes its CPU away for a moment now and then, and the frames of that moment are all
// that the host tier's NDR tells.
#include <fmt/format.h>

#include "bench/contender.h"
#include "bench/lab_boot.h"
#include "bench/ndr_samples.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {
namespace {

// Of a trial: five times what the rings of NIC and tap hold.
constexpr unsigned kFrames = 10'240;
constexpr double kMostUnseen = 2;  // percent of a trial's frames

std::vector<std::string> contenders() {
  return lab_contenders([](const ContenderKind& kind) { return kind.delivers; });
}

Result<void> run_ndr(Run& run) {
  const unsigned searches = run.repetitions(10, 3);
  // A search takes minutes: none that has come to its end is done again.
  const Left left = left_of(run.file, chosen_of(run.options, contenders()), searches);
  if (left.count == 0) return {};
  return measure_in_boot(run,
                         {.cpus = 3,
                          .counts = false,
                          .script = "ndr.sh",
                          .arguments = {left.words, std::to_string(searches), std::to_string(kFrames),
                                        run.options.quick ? "1" : "3"},
                          .folder = run.options.out + "/lab-ndr",
                          .measurements = left.count},
                         ndr_samples);
}

std::vector<std::string> caveats(const ResultSet& results) {
  std::vector<std::string> all;
  for (const char* goal : {"ndr", "pdr"})
    for (const auto& [key, found] : results.values(fmt::format("{}_found", goal)))
      if (quantile(found, 0) < 1)
        all.push_back(fmt::format("{} of {} is a lower bound: the search came to no end", goal, key.first));
  for (const auto& [key, unseen] : results.values("unseen_percent"))
    if (const double most = quantile(unseen, 1); most > kMostUnseen)
      all.push_back(fmt::format("up to {:.1f} % of a trial's frames could wait unseen in the queues of {}",
                                most, key.first));
  return all;
}

// Nothing is promised of them.
std::vector<Aim> aims(const ResultSet& results) {
  std::vector<Aim> all;
  for (const char* against : {"ovs-kernel", "bridge"})
    for (const auto& [name, metric] :
         {std::pair("NDR, nothing lost", "ndr_pps"), std::pair("PDR, 0.5 %", "pdr_pps")})
      all.push_back(
          worst_of({.what = fmt::format("{}, xdpfwd / {}", name, against), .side = Aim::Side::kAtLeast},
                   results, {metric, "xdpfwd", against}));
  return all;
}

const RegisteredScenario ndr(
    {.name = "ndr",
     .summary = "NDR and PDR (0.5 %) of one CPU by MLRsearch, whatever else this machine does",
     .tier = Tier::kLab,
     .run = run_ndr,
     .plots = {{"nothing lost", "", "", "ndr_pps", "packets per second", false, false},
               {"0.5 % lost", "", "", "pdr_pps", "packets per second", false, false}},
     .ratios = {{"ndr_pps", "xdpfwd", "ovs-kernel"},
                {"ndr_pps", "xdpfwd-bridge", "ovs-kernel"},
                {"ndr_pps", "xdpfwd", "bridge"},
                {"ndr_pps", "xdpfwd", "bare-redirect"},
                {"pdr_pps", "xdpfwd", "ovs-kernel"},
                {"pdr_pps", "xdpfwd", "bridge"},
                {"pdr_pps", "xdpfwd", "bare-redirect"}},
     .table = {"ndr_pps", "pdr_pps", "mrr_pps", "trials", "unseen_percent", "ndr_found", "pdr_found"},
     .caveats = caveats,
     .aims = aims,
     .contenders = contenders,
     .order = 7});

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// For how long a cut cable stops a guest's frames: frames lost, divided by the rate, of an LACP bond with a
// member less, and when the member comes back. In the lab, which has a bond. The switch needs up to 100 ms
// itself to see that a cable is cut, the same with every contender. xdpfwd has its bridge behind it, as on a
// hypervisor: that takes what comes by a member before the daemon has seen it to be in the bond again.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "bench/contender.h"
#include "bench/failover_samples.h"
#include "bench/lab_boot.h"

namespace xdpfwd::bench {
namespace {

constexpr unsigned kPps = 1000;
constexpr unsigned kFrames = 1000;  // before the event, and after it
const std::vector<std::string> kEvents = {"nothing", "cable-cut", "cable-joined"};

std::vector<std::string> contenders() {
  return lab_contenders([](const ContenderKind& kind) { return kind.takes_bond; });
}

Result<void> run_failover(Run& run) {
  const unsigned repetitions = run.repetitions(10, 2);
  std::vector<std::string> left = chosen_of(run.options, contenders());
  std::erase_if(left, [&](const std::string& contender) {
    return std::ranges::all_of(kEvents, [&](const std::string& event) {
      return run.file.has(failover_name(contender, event), {}, repetitions);
    });
  });
  if (left.empty()) return {};
  return measure_in_boot(run,
                         {.script = "failover.sh",
                          .arguments = {fmt::format("{}", fmt::join(left, ",")), std::to_string(kPps),
                                        std::to_string(kFrames), std::to_string(repetitions)},
                          .folder = run.options.out + "/lab-failover",
                          .measurements = left.size() * kEvents.size() * repetitions},
                         failover_samples);
}

const RegisteredScenario failover(
    {.name = "failover",
     .summary = "how long a cut cable of an LACP bond stops forwarding: frames lost / rate",
     .tier = Tier::kLab,
     .run = run_failover,
     .plots = {{"blocked time", "", "", "blocked_ms", "ms", false, false}},
     .ratios = {{"blocked_ms", "xdpfwd-bridge: cable-cut", "bridge: cable-cut"},
                {"blocked_ms", "xdpfwd-bridge: cable-cut", "ovs-kernel: cable-cut"}},
     .table = {"blocked_ms", "lost", "surplus", "sent"},
     .contenders = contenders,
     .order = 71});

}  // namespace
}  // namespace xdpfwd::bench

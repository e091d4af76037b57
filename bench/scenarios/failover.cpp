// SPDX-License-Identifier: BSD-2-Clause
// For how long a cut cable stops a guest's frames: frames lost, divided by the rate, of an LACP bond with a
// member less, and when the member comes back. In the lab, which has a bond. The switch needs up to 100 ms
// itself to see that a cable is cut, the same with every contender. xdpfwd has its bridge behind it, as on a
// hypervisor: that takes what comes by a member before the daemon has seen it to be in the bond again.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "bench/guest_lines.h"
#include "bench/lab_boot.h"

namespace xdpfwd::bench {
namespace {

constexpr unsigned kPps = 1000;
constexpr unsigned kFrames = 1000;  // before the event, and after it
const std::vector<std::string> kContenders = {"xdpfwd-bridge", "bridge", "ovs-kernel"};
const std::vector<std::string> kEvents = {"nothing", "cable-cut", "cable-joined"};

std::string name_of(const std::string& contender, const std::string& event) {
  return fmt::format("{}: {}", contender, event);
}

// "measured CONTENDER EVENT REPETITION SENT DELIVERED PPS"
Result<void> add_samples(Run& run, const std::string& log) {
  const auto lines = guest_lines(log, {.mark = "measured", .names = 2, .numbers = 4, .repetition = 0});
  if (!lines) return std::unexpected(lines.error());
  for (const GuestLine& line : *lines) {
    const std::string name = name_of(line.names[0], line.names[1]);
    const double sent = line.number(1);
    const double pps = line.number(3);
    if (sent <= 0 || pps <= 0) return bad_line(line, "nothing was sent");
    if (run.file.has(name, {}, line.repetition)) continue;
    const double lost = std::max(0.0, sent - line.number(2));
    if (auto added = run.file.add(
            {name, {}, line.repetition, {{"blocked_ms", lost / pps * 1000}, {"lost", lost}, {"sent", sent}}});
        !added)
      return added;
  }
  return {};
}

Result<void> run_failover(Run& run) {
  const unsigned repetitions = run.repetitions(10, 2);
  std::vector<std::string> left = chosen_of(run.options, kContenders);
  std::erase_if(left, [&](const std::string& contender) {
    return std::ranges::all_of(kEvents, [&](const std::string& event) {
      return run.file.has(name_of(contender, event), {}, repetitions);
    });
  });
  if (left.empty()) return {};
  const auto words =
      run_lab_boot(run, {.script = "failover.sh",
                         .arguments = {fmt::format("{}", fmt::join(left, ",")), std::to_string(kPps),
                                       std::to_string(kFrames), std::to_string(repetitions)},
                         .folder = run.options.out + "/lab-failover",
                         .measurements = left.size() * kEvents.size() * repetitions});
  if (!words) return std::unexpected(words.error());
  if (auto added = add_samples(run, words->log); !added) return added;
  if (!words->came_to_its_end && !run.interrupted()) return lab_failed(*words);
  return {};
}

const RegisteredScenario failover(
    {.name = "failover",
     .summary = "how long a cut cable of an LACP bond stops forwarding: frames lost / rate",
     .tier = Tier::kLab,
     .run = run_failover,
     .plots = {{"blocked time", "", "", "blocked_ms", "ms", false, false}},
     .ratios = {{"blocked_ms", "xdpfwd-bridge: cable-cut", "bridge: cable-cut"},
                {"blocked_ms", "xdpfwd-bridge: cable-cut", "ovs-kernel: cable-cut"}},
     .table = {"blocked_ms", "lost", "sent"},
     .contenders = kContenders,
     .order = 71});

}  // namespace
}  // namespace xdpfwd::bench

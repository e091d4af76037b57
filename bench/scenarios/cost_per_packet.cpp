// SPDX-License-Identifier: BSD-2-Clause
// The headline: guest instructions a packet, inside softirqs of the receiving CPU, counted by the emulator in
// the lab. With one virtual CPU and a clock that counts instructions, runs repeat themselves; with several,
// the sender has a CPU of its own. "nobody" is the same traffic with no one to receive it: the sender's own
// share, taken off from the others. Frames come 16 to a poll on average, as on a host that has much to do; as
// many as NAPI takes, as on one that can do no more; and one, where interrupt, poll and the reader's waking
// cost more than the frame. "xdpfwd-bridge" is xdpfwd before a bridge that relearns its guests' senders from
// every eighth frame.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "bench/contender.h"
#include "bench/cost_figures.h"
#include "bench/instruction_marks.h"
#include "bench/lab_boot.h"
#include "bench/scenario.h"

namespace xdpfwd::bench {
namespace {

// A quick run has these, and others by name.
constexpr std::array kHeadline = {"xdpfwd", "xdpfwd-bridge", "bridge", "ovs-kernel", "bare-redirect"};

std::vector<std::string> contenders() {
  return lab_contenders([](const ContenderKind&) { return true; });
}

// One boot of the lab.
struct Boot {
  unsigned cpus = 1;
  std::vector<std::string> contenders;  // NAME, or NAME:GUESTS
  std::vector<unsigned> rates;
  std::vector<unsigned> polls;
  unsigned frames = 0;
  unsigned repetitions = 0;
};

// "nobody" is taken off from all: no choice leaves it out.
std::vector<std::string> contenders_of(const RunOptions& options) {
  std::vector<std::string> all = contenders();
  if (options.quick && options.contenders.empty())
    std::erase_if(
        all, [](const std::string& one) { return std::ranges::find(kHeadline, one) == kHeadline.end(); });
  all.insert(all.end(), {"ovs-kernel:2", "xdpfwd:2"});
  all = chosen_of(options, all);
  all.insert(all.begin(), "nobody");
  return all;
}

std::vector<Boot> boots(const Run& run) {
  const unsigned repetitions = run.repetitions(10, 3);
  const std::vector<std::string> all = contenders_of(run.options);
  // A second at the headline's rate: each window has as many of what comes once a second, LACP's frames.
  constexpr unsigned kFrames = 10'000;
  if (run.options.quick) return {{1, all, {10'000}, {64, 16, 1}, kFrames, repetitions}};
  // With a CPU of its own the sender can be faster than the receiver.
  return {{1, all, {5'000, 10'000, 20'000, 0}, {64, 16, 1}, kFrames, repetitions},
          {3, all, {5'000, 10'000, 20'000, 0}, {16}, 4000, repetitions}};
}

std::vector<Sample> samples_wanted(const Boot& boot) {
  std::vector<Sample> wanted;
  for (const std::string& one : boot.contenders) {
    const size_t colon = one.find(':');
    const double vms = colon == std::string::npos ? 1 : std::stod(one.substr(colon + 1));
    for (const double pps : boot.rates)
      for (const double poll : boot.polls) {
        if (pps == kAsFastAsPossible && poll != boot.polls.front()) continue;
        for (unsigned repetition = 1; repetition <= boot.repetitions; ++repetition)
          wanted.push_back({one.substr(0, colon),
                            {{"pps", pps}, {"vms", vms}, {"poll", poll}, {"cpus", boot.cpus}},
                            repetition,
                            {}});
      }
  }
  return wanted;
}

Result<void> run_boot(Run& run, Boot boot) {
  // A contender that an earlier run has come to the end of is not measured again.
  std::erase_if(boot.contenders, [&](const std::string& one) {
    Boot alone = boot;
    alone.contenders = {one};
    return std::ranges::all_of(samples_wanted(alone), [&](const Sample& sample) {
      return run.file.has(sample.contender, sample.point, sample.repetition);
    });
  });
  if (boot.contenders.empty()) return {};
  const auto words =
      run_lab_boot(run, {.cpus = boot.cpus,
                         .script = "cost_per_packet.sh",
                         .arguments = {fmt::format("{}", fmt::join(boot.contenders, ",")),
                                       fmt::format("{}", fmt::join(boot.rates, ",")),
                                       fmt::format("{}", fmt::join(boot.polls, ",")),
                                       std::to_string(boot.frames), std::to_string(boot.repetitions)},
                         .folder = fmt::format("{}/lab-{}", run.options.out, boot.cpus),
                         .measurements = samples_wanted(boot).size()});
  if (!words) return std::unexpected(words.error());
  // Also of a boot that was interrupted.
  const auto marks = parse_marks(words->counts);
  if (!marks) return std::unexpected(marks.error());
  const auto samples = samples_of_log(words->log, *marks, boot.cpus > 1 ? 1 : 0, boot.cpus);
  if (!samples) return std::unexpected(samples.error());
  return keep_samples(run, *words, *samples);
}

Result<void> run_cost(Run& run) {
  for (const Boot& boot : boots(run)) {
    if (auto done = run_boot(run, boot); !done) return done;
    if (run.interrupted()) return {};
  }
  return {};
}

const RegisteredScenario cost_scenario(
    {.name = "cost-per-packet",
     .summary = "guest instructions a packet in softirqs of the receiving CPU, counted by the emulator",
     .tier = Tier::kLab,
     .run = run_cost,
     .plots = {{"softirq instructions a packet, less the sender's", "", "", kCostMetric, "instructions",
                false, false, "nobody"},
               {"softirq instructions a packet, less the sender's", "pps", "packets per second", kCostMetric,
                "instructions", true, false, "nobody"}},
     .ratios = {{kCostMetric, "xdpfwd", "ovs-kernel", "nobody"},
                {kCostMetric, "xdpfwd-bridge", "ovs-kernel", "nobody"},
                {kCostMetric, "xdpfwd", "bridge", "nobody"},
                {kCostMetric, "xdpfwd", "tcx", "nobody"},
                {kCostMetric, "xdpfwd", "bare-redirect", "nobody"}},
     .table = {kCostMetric, "frames_per_poll", "softirqs_per_packet", "lost", "sent_pps", "delivered_pps"},
     .json_line = cost_headline,
     .caveats = cost_refusals,
     .refusal = cost_refusal,
     .aims = cost_aims,
     .contenders = contenders,
     .order = 5});

}  // namespace
}  // namespace xdpfwd::bench

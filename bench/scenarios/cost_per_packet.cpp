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

#include "bench/instruction_marks.h"
#include "bench/lab_boot.h"
#include "bench/scenario.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {
namespace {

constexpr const char* kMetric = "softirq_instructions_per_packet";
constexpr double kHeadlinePps = 10'000;
constexpr double kFullPoll = 16;
constexpr double kBudget = 64;           // of NAPI: no poll takes more
constexpr double kAsFastAsPossible = 0;  // as packets per second
constexpr double kPollOff = 0.15;        // more is another way of arriving than the headline says
constexpr double kMostLost = 0.01;
// QEMU's -icount shift=2: an instruction takes 4 ns of the guest's time.
constexpr double kInstructionsPerSecond = 250e6;

// One boot of the lab.
struct Boot {
  unsigned cpus = 1;
  std::vector<std::string> contenders;  // NAME, or NAME:GUESTS
  std::vector<unsigned> rates;
  std::vector<unsigned> polls;
  unsigned frames = 0;
  unsigned repetitions = 0;
};

std::vector<Boot> boots(const Run& run) {
  const unsigned repetitions = run.repetitions(10, 3);
  const std::vector<std::string> short_list = {"nobody",     "xdpfwd",        "xdpfwd-bridge", "bridge",
                                               "ovs-kernel", "bare-redirect", "ovs-kernel:2",  "xdpfwd:2"};
  // A second at the headline's rate: each window has as many of what comes once a second, LACP's frames.
  constexpr unsigned kFrames = 10'000;
  if (run.options.quick) return {{1, short_list, {10'000}, {64, 16, 1}, kFrames, repetitions}};
  std::vector<std::string> all = short_list;
  all.insert(all.begin() + 2, {"xdp-drop", "tcx"});
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
  for (const Sample& sample : *samples)
    if (!run.file.has(sample.contender, sample.point, sample.repetition))
      if (auto added = run.file.add(sample); !added) return added;
  if (!words->came_to_its_end && !run.interrupted()) return lab_failed(*words);
  return {};
}

Result<void> run_cost(Run& run) {
  for (const Boot& boot : boots(run)) {
    if (auto done = run_boot(run, boot); !done) return done;
    if (run.interrupted()) return {};
  }
  return {};
}

// Why a sample allows no headline of its point; empty: it does. Frames that were lost were not paid for.
// Polls of a dearer contender fill while it works, which is in its favour; ours have to be what is said.
std::string refusal(const Sample& sample) {
  const auto metric = [&](const char* name) {
    const auto found = sample.metrics.find(name);
    return found == sample.metrics.end() ? 0 : found->second;
  };
  if (sample.point.at("pps") != kHeadlinePps || sample.contender == "nobody") return "";
  const std::string where = fmt::format("{} ({})", sample.contender, point_text(sample.point));
  if (metric("lost") > kMostLost * metric("sent"))
    return fmt::format("{} lost {:.1f} % of the frames of window {}", where,
                       100 * metric("lost") / metric("sent"), sample.repetition);
  const double polled = metric("frames_per_poll");
  const bool ours = sample.contender.starts_with("xdpfwd");
  if (sample.point.at("poll") == kFullPoll && polled > 0 &&
      (polled < kFullPoll * (1 - kPollOff) || (ours && polled > kFullPoll * (1 + kPollOff))))
    return fmt::format("{} took {:.1f} frames a poll", where, polled);
  return "";
}

std::vector<std::string> refusals(const ResultSet& results) {
  std::vector<std::string> all;
  for (const Sample& sample : results.samples)
    if (const std::string why = refusal(sample); !why.empty()) all.push_back("no headline figure: " + why);
  return all;
}

// Of one way of arriving: so many virtual CPUs, so many frames a poll.
nlohmann::json headline_of(const ResultSet& results, double cpus, double poll) {
  const auto values = results.values(kMetric);
  const auto at = [&](double vms) {
    return Point{{"pps", kHeadlinePps}, {"vms", vms}, {"poll", poll}, {"cpus", cpus}};
  };
  // Less what the sender costs, where the sender shares the CPU.
  const auto cost = [&](const std::string& contender, double vms) {
    const auto found = values.find({contender, at(vms)});
    const auto base = base_at(values, "nobody", at(vms));
    std::vector<double> net;
    const bool refused = std::ranges::any_of(results.samples, [&](const Sample& sample) {
      return sample.contender == contender && sample.point == at(vms) && !refusal(sample).empty();
    });
    if (found == values.end() || !base || refused) return net;
    for (const double value : found->second) net.push_back(value - *base);
    return net;
  };
  const auto median = [](const std::vector<double>& of) -> nlohmann::json {
    return of.empty() ? nlohmann::json() : nlohmann::json(quantile(of, 0.5));
  };
  const auto ratio = [&](const std::vector<double>& above,
                         const std::vector<double>& below) -> nlohmann::json {
    if (above.empty() || below.empty()) return nullptr;
    return quantile(above, 0.5) / quantile(below, 0.5);
  };
  const std::vector<double> ours = cost("xdpfwd", 1);
  nlohmann::json line = {
      {"xdpfwd_over_ovs", ratio(ours, cost("ovs-kernel", 1))},
      {"xdpfwd_over_bridge", ratio(ours, cost("bridge", 1))},
      {"xdpfwd_over_floor", ratio(ours, cost("bare-redirect", 1))},
      {"two_vms_over_one", ratio(cost("xdpfwd", 2), ours)},
      {"ovs_two_vms_over_one", ratio(cost("ovs-kernel", 2), cost("ovs-kernel", 1))},
      {"relearning_over_ovs", ratio(cost("xdpfwd-bridge", 1), cost("ovs-kernel", 1))},
      {"spread_percent", ours.empty() ? nlohmann::json() : nlohmann::json(spread_of(ours).percent())},
      {"instructions",
       {{"xdpfwd", median(ours)},
        {"relearning", median(cost("xdpfwd-bridge", 1))},
        {"ovs", median(cost("ovs-kernel", 1))},
        {"bridge", median(cost("bridge", 1))},
        {"floor", median(cost("bare-redirect", 1))}}}};
  const auto polls = results.values("frames_per_poll");
  for (const auto& [name, contender] : {std::pair("xdpfwd", "xdpfwd"), std::pair("ovs", "ovs-kernel")})
    if (const auto found = polls.find({contender, at(1)}); found != polls.end())
      line["frames_per_poll"][name] = quantile(found->second, 0.5);
  if (cpus == 1 && !ours.empty() && !cost("ovs-kernel", 1).empty())
    line["saturation_pps_by_arithmetic"] = {
        {"ovs", kInstructionsPerSecond / quantile(cost("ovs-kernel", 1), 0.5)},
        {"xdpfwd", kInstructionsPerSecond / quantile(ours, 0.5)}};
  return line;
}

// What is delivered while all is sent that the sender can. With one CPU the sender's own work is in it, and
// the reader's; "less_sender" is what would be left of a frame's time without the sender's.
nlohmann::json overload_of(const ResultSet& results, double cpus) {
  nlohmann::json line;
  double sender_s = 0;  // a frame
  for (const char* metric : {"sent_pps", "delivered_pps"})
    for (const auto& [key, values] : results.values(metric)) {
      const auto& [contender, point] = key;
      if (point.at("pps") != kAsFastAsPossible || point.at("vms") != 1 || point.at("cpus") != cpus) continue;
      if (std::string_view(metric) == "delivered_pps")
        line[contender] = quantile(values, 0.5);
      else if (contender == "nobody")
        sender_s = 1 / quantile(values, 0.5);
    }
  if (line.is_null()) return line;  // was not measured
  const double ours = line.value("xdpfwd", 0.0);
  const double theirs = line.value("ovs-kernel", 0.0);
  if (ours <= 0 || theirs <= 0) return line;
  line["xdpfwd_over_ovs"] = ours / theirs;
  // One that is no slower than the sender alone says nothing of what is left.
  if (cpus == 1 && sender_s > 0 && 1 / ours > sender_s)
    line["xdpfwd_over_ovs_less_sender"] = (1 / theirs - sender_s) / (1 / ours - sender_s);
  return line;
}

// Full polls first, as on a loaded host; then fuller ones, and one frame a poll; then a receiver with a CPU
// of its own.
nlohmann::json headline(const ResultSet& results) {
  nlohmann::json line = headline_of(results, 1, kFullPoll);
  line["budget_polls"] = headline_of(results, 1, kBudget);
  line["one_frame_a_poll"] = headline_of(results, 1, 1);
  if (const nlohmann::json several = headline_of(results, 3, kFullPoll);
      !several["xdpfwd_over_ovs"].is_null())
    line["several_cpus"] = several;
  for (const auto& [name, cpus] : {std::pair("one_cpu", 1), std::pair("three_cpus", 3)})
    if (const nlohmann::json overload = overload_of(results, cpus); !overload.is_null())
      line["delivered_pps_in_overload"][name] = overload;
  if (const auto refused = refusals(results); !refused.empty()) line["refused"] = refused;
  return line;
}

const RegisteredScenario cost_scenario(
    {.name = "cost-per-packet",
     .summary = "guest instructions a packet in softirqs of the receiving CPU, counted by the emulator",
     .tier = Tier::kLab,
     .run = run_cost,
     .plots = {{"softirq instructions a packet, less the sender's", "", "", kMetric, "instructions", false,
                false, "nobody"},
               {"softirq instructions a packet, less the sender's", "pps", "packets per second", kMetric,
                "instructions", true, false, "nobody"}},
     .ratios = {{kMetric, "xdpfwd", "ovs-kernel", "nobody"},
                {kMetric, "xdpfwd-bridge", "ovs-kernel", "nobody"},
                {kMetric, "xdpfwd", "bridge", "nobody"},
                {kMetric, "xdpfwd", "tcx", "nobody"},
                {kMetric, "xdpfwd", "bare-redirect", "nobody"}},
     .table = {kMetric, "frames_per_poll", "softirqs_per_packet", "lost", "sent_pps", "delivered_pps"},
     .json_line = headline,
     .caveats = refusals,
     .order = 5});

}  // namespace
}  // namespace xdpfwd::bench

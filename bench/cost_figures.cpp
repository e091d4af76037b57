// SPDX-License-Identifier: BSD-2-Clause
#include "bench/cost_figures.h"

#include <fmt/format.h>

#include <set>

#include "bench/instruction_marks.h"
#include "bench/ratio.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {
namespace {

constexpr double kPollOff = 0.15;  // more is another way of arriving than the headline says
constexpr double kMostLost = 0.01;
// QEMU's -icount shift=2: an instruction takes 4 ns of the guest's time.
constexpr double kInstructionsPerSecond = 250e6;

// Of one way of arriving: so many virtual CPUs, so many frames a poll.
nlohmann::json headline_of(const ResultSet& results, double cpus, double poll) {
  const auto values = without_refused(results, cost_refusal).values(kCostMetric);
  const auto at = [&](double vms) {
    return Point{{"pps", kHeadlinePps}, {"vms", vms}, {"poll", poll}, {"cpus", cpus}};
  };
  // Less what the sender costs, where the sender shares the CPU.
  const auto cost = [&](const std::string& contender, double vms) {
    const auto found = values.find({contender, at(vms)});
    const auto base = base_at(values, "nobody", at(vms));
    std::vector<double> net;
    if (found == values.end() || !base) return net;
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

}  // namespace

// Frames that were lost were not paid for. Polls of a dearer contender fill while it works, which is in its
// favour; ours have to be what is said.
std::string cost_refusal(const Sample& sample) {
  const auto metric = [&](const char* name) {
    const auto found = sample.metrics.find(name);
    return found == sample.metrics.end() ? 0 : found->second;
  };
  if (sample.point.at("pps") == kAsFastAsPossible || takes_nothing(sample.contender)) return "";
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

std::vector<std::string> cost_refusals(const ResultSet& results) {
  std::vector<std::string> all;
  std::set<ResultSet::Key> told;  // once a point
  for (const Sample& sample : results.samples)
    if (const std::string why = cost_refusal(sample);
        !why.empty() && told.insert({sample.contender, sample.point}).second)
      all.push_back("no figure: " + why);
  return all;
}

// Full polls first, as on a loaded host; then fuller ones, and one frame a poll; then a receiver with a CPU
// of its own.
nlohmann::json cost_headline(const ResultSet& results) {
  nlohmann::json line = headline_of(results, 1, kFullPoll);
  line["budget_polls"] = headline_of(results, 1, kBudget);
  line["one_frame_a_poll"] = headline_of(results, 1, 1);
  if (const nlohmann::json several = headline_of(results, 3, kFullPoll);
      !several["xdpfwd_over_ovs"].is_null())
    line["several_cpus"] = several;
  for (const auto& [name, cpus] : {std::pair("one_cpu", 1), std::pair("three_cpus", 3)})
    if (const nlohmann::json overload = overload_of(results, cpus); !overload.is_null())
      line["delivered_pps_in_overload"][name] = overload;
  if (const auto refused = cost_refusals(results); !refused.empty()) line["refused"] = refused;
  return line;
}

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// The aims of cost-per-packet: of every way in which frames arrived, at the rate where each looks worst.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "bench/cost_figures.h"
#include "bench/ratio.h"

namespace xdpfwd::bench {
namespace {

struct Way {
  double cpus = 1;
  double poll = 0;  // frames, on average
  auto operator<=>(const Way&) const = default;
};

std::string text_of(const Way& way) {
  const std::string polls = way.poll == kBudget ? "the most NAPI takes"
                            : way.poll == 1     ? "one frame a poll"
                                                : fmt::format("polls of {:g}", way.poll);
  return way.cpus == 1 ? polls : fmt::format("{}, {:g} CPUs", polls, way.cpus);
}

// Those of the headline are aimed at also where they were not measured.
std::set<Way> ways_of(const ResultSet& results) {
  std::set<Way> ways = {{1, kFullPoll}, {1, kBudget}, {1, 1}};
  for (const Sample& sample : results.samples)
    if (sample.point.at("pps") != kAsFastAsPossible)
      ways.insert({sample.point.at("cpus"), sample.point.at("poll")});
  return ways;
}

std::set<double> rates_of(const ResultSet& results, const Way& way) {
  std::set<double> rates;
  for (const Sample& sample : results.samples)
    if (sample.point.at("cpus") == way.cpus && sample.point.at("poll") == way.poll &&
        sample.point.at("pps") != kAsFastAsPossible)
      rates.insert(sample.point.at("pps"));
  return rates;
}

struct Party {
  std::string contender;
  double vms = 1;
};
struct Wanted {
  std::string what;
  Party above;
  Party below;
  double bound = 0;
};
const std::vector<Wanted> kWanted = {
    {"xdpfwd / ovs-kernel", {"xdpfwd"}, {"ovs-kernel"}, 0.35},
    {"xdpfwd / bridge", {"xdpfwd"}, {"bridge"}, 0.5},
    {"xdpfwd / bare-redirect", {"xdpfwd"}, {"bare-redirect"}, 1.10},
    {"xdpfwd, two VMs / one", {"xdpfwd", 2}, {"xdpfwd"}, 1.05},
};

ResultSet::Key key_of(const Party& party, const Way& way, double pps) {
  return {party.contender, {{"pps", pps}, {"vms", party.vms}, {"poll", way.poll}, {"cpus", way.cpus}}};
}

class CostAims {
 public:
  explicit CostAims(const ResultSet& results)
      : results_(results), values_(without_refused(results, cost_refusal).values(kCostMetric)) {}

  std::vector<Aim> all() {
    for (const Way& way : ways_of(results_))
      for (const Wanted& wanted : kWanted) add(wanted, way);
    return std::move(aims_);
  }

 private:
  // The first reason to refuse either of them at this rate.
  std::string refusal_of(const Wanted& wanted, const Way& way, double pps) const {
    for (const Party& party : {wanted.above, wanted.below})
      for (const Sample& sample : results_.samples)
        if (ResultSet::Key{sample.contender, sample.point} == key_of(party, way, pps))
          if (const std::string why = cost_refusal(sample); !why.empty()) return why;
    return "";
  }

  std::optional<RatioInterval> ratio(const Party& above, const Party& below, const Way& way,
                                     double pps) const {
    return ratio_between(values_, key_of(above, way, pps), key_of(below, way, pps), "nobody");
  }

  void add(const Wanted& wanted, const Way& way) {
    const Aim aim{.what = fmt::format("{}, {}", wanted.what, text_of(way)), .bound = wanted.bound};
    std::vector<MeasuredAt> measured;
    std::vector<Aim> refused;
    for (const double pps : rates_of(results_, way)) {
      const std::string where = point_text({{"pps", pps}});
      if (const std::string why = refusal_of(wanted, way, pps); !why.empty()) {
        refused.push_back(aim);
        refused.back().remark = why;
      } else if (const auto value = ratio(wanted.above, wanted.below, way, pps)) {
        measured.push_back({where + theirs(wanted, way, pps), *value});
      }
    }
    if (!measured.empty() || refused.empty()) aims_.push_back(worst_of(aim, measured));
    aims_.insert(aims_.end(), refused.begin(), refused.end());
  }

  // What a second VM costs the other.
  std::string theirs(const Wanted& wanted, const Way& way, double pps) const {
    if (wanted.above.vms == wanted.below.vms) return "";
    const auto value = ratio({"ovs-kernel", 2}, {"ovs-kernel"}, way, pps);
    return value ? fmt::format(" (ovs-kernel {:.3f})", value->ratio) : "";
  }

  const ResultSet& results_;
  std::map<ResultSet::Key, std::vector<double>> values_;
  std::vector<Aim> aims_;
};

// How many frames are delivered while more are sent.
std::vector<Aim> overload_aims(const ResultSet& results) {
  const auto values = results.values("delivered_pps");
  std::map<double, Point> points;  // by CPUs
  for (const auto& [key, delivered] : values)
    if (const Point& point = key.second; point.at("pps") == kAsFastAsPossible && point.at("vms") == 1)
      points[point.at("cpus")] = point;
  if (points.empty()) points[1] = {};
  std::vector<Aim> aims;
  for (const auto& [cpus, point] : points)
    aims.push_back(
        {.what = fmt::format("delivered in overload, xdpfwd / ovs-kernel, {}",
                             cpus == 1 ? "one CPU that also sends" : fmt::format("{:g} CPUs", cpus)),
         .bound = 2.5,
         .side = Aim::Side::kAtLeast,
         .measured = ratio_between(values, {"xdpfwd", point}, {"ovs-kernel", point})});
  return aims;
}

}  // namespace

std::vector<Aim> cost_aims(const ResultSet& results) {
  std::vector<Aim> aims = CostAims(results).all();
  const std::vector<Aim> overload = overload_aims(results);
  aims.insert(aims.end(), overload.begin(), overload.end());
  return aims;
}

}  // namespace xdpfwd::bench

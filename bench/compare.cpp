// SPDX-License-Identifier: BSD-2-Clause
#include "bench/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "bench/scenario.h"
#include "bench/significance.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {
namespace {

// Also of results from before boots were written down.
bool of_the_lab(const ResultSet& results) {
  const ScenarioKind* kind = find_scenario(results.scenario);
  return (kind != nullptr && kind->tier == Tier::kLab) ||
         std::ranges::any_of(results.samples, [](const Sample& sample) { return sample.boot != 0; });
}

// A metric's medians, one a boot.
std::map<ResultSet::Key, std::vector<double>> by_boot(const ResultSet& results, const std::string& metric) {
  std::map<ResultSet::Key, std::map<unsigned, std::vector<double>>> boots;
  for (const Sample& sample : results.samples)
    if (const auto found = sample.metrics.find(metric); found != sample.metrics.end())
      boots[{sample.contender, sample.point}][sample.boot].push_back(found->second);
  std::map<ResultSet::Key, std::vector<double>> medians;
  for (const auto& [key, values_by_boot] : boots)
    for (const auto& [boot, values] : values_by_boot) medians[key].push_back(quantile(values, 0.5));
  return medians;
}

std::string line_of(const Difference& one, const std::string& more) {
  // From nothing to something there is no ratio.
  const std::string ratio = std::isfinite(one.ratio) ? fmt::format("{:.3f}", one.ratio) : "-";
  return fmt::format("{:<16} {:<14} {:<24} {:<24} {:>12.4g} {:>12.4g} {:>6}{}\n", one.scenario, one.contender,
                     point_text(one.point), one.metric, one.before, one.after, ratio, more);
}

std::string heading(const std::string& more) {
  return fmt::format("{:<16} {:<14} {:<24} {:<24} {:>12} {:>12} {:>6}{}\n", "SCENARIO", "CONTENDER", "POINT",
                     "METRIC", "BEFORE", "AFTER", "RATIO", more);
}

std::string text_of(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// What may be a reason for a difference, by name.
std::map<std::string, std::string> facts_of(const ResultSet& results) {
  std::map<std::string, std::string> facts;
  for (const char* name : {"version", "commit", "compiler", "kernel", "boot", "host_kernel", "host_boot",
                           "cpu", "cpus", "governor", "microcode", "bios", "mitigations"})
    if (results.header.contains(name)) facts[name] = text_of(results.header[name]);
  const nlohmann::json same = results.header.value("same", nlohmann::json::object());
  for (const char* name : {"quick", "rx_cpu", "tx_cpu"})
    if (same.contains(name)) facts[name] = text_of(same[name]);
  if (results.header.contains("versions"))
    for (const auto& [name, value] : results.header["versions"].items()) facts[name] = text_of(value);
  for (const auto& [name, value] : results.guest) facts["guest's " + name] = value;
  return facts;
}

// Those of the lab, or the others, that have too few samples.
std::string large_text(const std::vector<Difference>& differences, bool booted) {
  std::string text;
  size_t large = 0;
  size_t all = 0;
  for (const Difference& one : differences) {
    if (!one.too_few || one.booted != booted) continue;
    ++all;
    if (!one.is_large()) continue;
    if (large++ == 0) text += heading("");
    text += line_of(one, "");
  }
  if (all == 0) return "";
  if (booted)
    return text +
           fmt::format(
               "{} of {} figures of the lab differ by more than {:g} %. Boots of one build differ by up to "
               "that in what a packet costs, and by more in how polls were filled: fewer than {} boots on a "
               "side say nothing of chance\n",
               large, all, kBootsDiffer * 100, kEnoughSamples);
  return text +
         fmt::format(
             "{} of {} figures differ by more than {:g} %: fewer than {} repetitions on a side say nothing "
             "of chance\n",
             large, all, kRepetitionsDiffer * 100, kEnoughSamples);
}

std::string only_one_has(const std::vector<ResultSet>& one, const std::vector<ResultSet>& other,
                         const char* name) {
  std::string text;
  for (const ResultSet& results : one)
    if (std::ranges::find(other, results.scenario, &ResultSet::scenario) == other.end())
      text += fmt::format("{} is not compared: only the run {} has it\n", results.scenario, name);
  return text;
}

}  // namespace

bool Difference::is_large() const {
  return too_few &&
         std::abs(after - before) > (booted ? kBootsDiffer : kRepetitionsDiffer) * std::abs(before);
}

std::vector<Difference> compare_runs(const std::vector<ResultSet>& before,
                                     const std::vector<ResultSet>& after) {
  std::vector<Difference> differences;
  std::vector<double> p;
  std::vector<size_t> tested;
  for (const ResultSet& old : before) {
    const auto found = std::ranges::find(after, old.scenario, &ResultSet::scenario);
    if (found == after.end()) continue;
    const bool booted = of_the_lab(old) || of_the_lab(*found);
    for (const std::string& metric : old.metric_names()) {
      const auto was = booted ? by_boot(old, metric) : old.values(metric);
      const auto now = booted ? by_boot(*found, metric) : found->values(metric);
      for (const auto& [key, values] : was) {
        const auto there = now.find(key);
        if (there == now.end()) continue;
        const RatioInterval interval = bootstrap_ratio(values, there->second);
        const bool few = std::min(values.size(), there->second.size()) < kEnoughSamples;
        differences.push_back({.scenario = old.scenario,
                               .contender = key.first,
                               .point = key.second,
                               .metric = metric,
                               .before = quantile(values, 0.5),
                               .after = quantile(there->second, 0.5),
                               .ratio = interval.ratio,
                               .ratio_low = interval.low,
                               .ratio_high = interval.high,
                               .booted = booted,
                               .too_few = few});
        if (few) continue;
        tested.push_back(differences.size() - 1);
        p.push_back(mann_whitney_p(values, there->second));
      }
    }
  }
  const std::vector<double> rates = false_discovery_rates(p);
  for (size_t i = 0; i < tested.size(); ++i) differences[tested[i]].false_discovery_rate = rates[i];
  std::ranges::sort(differences, {}, [](const Difference& d) {
    return std::tuple(d.false_discovery_rate, !d.is_large(), d.scenario, d.contender, d.point, d.metric);
  });
  return differences;
}

std::string compare_text(const std::vector<Difference>& differences) {
  if (differences.empty()) return "nothing was measured by both\n";
  std::string text;
  size_t significant = 0;
  size_t too_few = 0;
  for (const Difference& one : differences) {
    too_few += one.too_few ? 1 : 0;
    if (!one.significant()) continue;
    if (significant++ == 0) text += heading("           (95 %)      FDR");
    const std::string interval = std::isfinite(one.ratio)
                                     ? fmt::format(" ({:.3f} to {:.3f})", one.ratio_low, one.ratio_high)
                                     : fmt::format("{:17}", "");
    text += line_of(one, fmt::format("{} {:>8.4f}", interval, one.false_discovery_rate));
  }
  if (too_few < differences.size())
    text += fmt::format(
        "{} of {} figures differ by more than chance (rank sum test, false discovery rate below 5 %)\n",
        significant, differences.size() - too_few);
  return text + large_text(differences, true) + large_text(differences, false);
}

std::string differing_headers(const std::vector<ResultSet>& before, const std::vector<ResultSet>& after) {
  // Each once, of however many scenarios.
  std::vector<std::tuple<std::string, std::string, std::string>> rows;
  for (const ResultSet& old : before) {
    const auto found = std::ranges::find(after, old.scenario, &ResultSet::scenario);
    if (found == after.end()) continue;
    auto was = facts_of(old);
    auto is = facts_of(*found);
    for (const auto& [name, value] : was) is.try_emplace(name, "not told");
    for (const auto& [name, value] : is) {
      const std::tuple row(name, was.try_emplace(name, "not told").first->second, value);
      if (std::get<1>(row) != value && std::ranges::find(rows, row) == rows.end()) rows.push_back(row);
    }
  }
  const std::string alone = only_one_has(before, after, "before") + only_one_has(after, before, "after");
  if (rows.empty()) return alone;
  std::array<size_t, 2> widths = {0, std::string_view("BEFORE").size()};
  for (const auto& [name, was, is] : rows)
    widths = {std::max(widths[0], name.size()), std::max(widths[1], was.size())};
  std::string text = fmt::format("{:<{}}  {:<{}}  AFTER\n", "", widths[0], "BEFORE", widths[1]);
  for (const auto& [name, was, is] : rows)
    text += fmt::format("{:<{}}  {:<{}}  {}\n", name, widths[0], was, widths[1], is);
  return text + alone;
}

}  // namespace xdpfwd::bench

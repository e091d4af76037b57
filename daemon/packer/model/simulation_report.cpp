// SPDX-License-Identifier: BSD-2-Clause
#include "packer/model/simulation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "packer/model/contenders.h"

namespace xdpfwd::packer {
namespace {

using Json = nlohmann::ordered_json;

Json figures_json(const FluidHost::Figures& figures) {
  return {{"cpus", figures.cpus},
          {"overload_percent", figures.overload_percent},
          {"overload_cpu_percent", figures.overload_cpu_percent},
          {"overload_10ms_percent", figures.strict_percent},
          {"lost_percent", figures.lost_percent},
          {"moves_per_s", figures.moves_per_s},
          {"delay_p50_us", figures.p50_us},
          {"delay_p99_us", figures.p99_us},
          {"delay_p999_us", figures.p999_us}};
}

Json seed_json(const SimulationResult& result) {
  Json json = {{"cpus_over_oracle", result.cpus_over_oracle()},
               {"overload_percent", result.of(kPackerName).overload_percent},
               {"cpus_saved_percent", result.cpus_saved_percent()},
               {"seed", result.seed},
               {"seconds", result.seconds},
               {"napis", result.napis},
               {"offered_cpus", result.of(kPackerName).load},
               {"fewest_cpus", result.fewest_cpus}};
  if (result.settled_s >= 0) json["settled_s"] = result.settled_s;
  for (const ContenderResult& contender : result.contenders)
    json["contenders"][contender.name] = figures_json(contender.figures);
  return json;
}

}  // namespace

std::string simulation_text(const SimulationResult& result) {
  std::string text = fmt::format(
      "{}, seed {}: {} NAPIs, {:.0f} s, {:.1f} CPUs' worth of work; no packing to the mark has fewer than "
      "{:.1f} CPUs\n"
      "{:<12} {:>6} {:>9} {:>7} {:>9} {:>9} {:>8} {:>8} {:>9} {:>9} {:>9}\n",
      result.trace, result.seed, result.napis, result.seconds, result.of(kPackerName).load,
      result.fewest_cpus, "", "CPUs", "/ oracle", "saved", "overload", "10 ms", "lost", "moves/s", "p50",
      "p99", "p99.9");
  const FluidHost::Figures& oracle = result.of(kOracleName);
  const FluidHost::Figures& pinned = result.of(kPinnedName);
  for (const auto& [name, figures] : result.contenders)
    text += fmt::format(
        "{:<12} {:>6.1f} {:>9.2f} {:>5.0f} % {:>7.2f} % {:>7.2f} % {:>6.3f} % {:>8.1f} {:>6.0f} us {:>6.0f} "
        "us {:>6.0f} us\n",
        name, figures.cpus, oracle.cpus > 0 ? figures.cpus / oracle.cpus : 1,
        pinned.cpus > 0 ? 100 * (1 - figures.cpus / pinned.cpus) : 0, figures.overload_percent,
        figures.strict_percent, figures.lost_percent, figures.moves_per_s, figures.p50_us, figures.p99_us,
        figures.p999_us);
  return text;
}

std::string simulation_json(std::span<const SimulationResult> results) {
  Json traces = Json::object();
  for (const SimulationResult& result : results) {
    const Json one = seed_json(result);
    if (!traces.contains(result.trace)) {
      traces[result.trace] = one;
      continue;
    }
    Json& trace = traces[result.trace];
    if (!trace.contains("seeds")) {
      const Json first = trace;
      trace = {{"cpus_over_oracle", first["cpus_over_oracle"]},
               {"overload_percent", first["overload_percent"]},
               {"cpus_saved_percent", first["cpus_saved_percent"]},
               {"seeds", Json::array({first})}};
    }
    trace["seeds"].push_back(one);
    for (const char* more_is_worse : {"cpus_over_oracle", "overload_percent"})
      trace[more_is_worse] = std::max(trace[more_is_worse].get<double>(), one[more_is_worse].get<double>());
    trace["cpus_saved_percent"] =
        std::min(trace["cpus_saved_percent"].get<double>(), one["cpus_saved_percent"].get<double>());
  }
  // A name may be a file's, and so any bytes.
  return Json{{"trace", traces}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace xdpfwd::packer

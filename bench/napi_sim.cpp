// SPDX-License-Identifier: BSD-2-Clause
#include "bench/napi_sim.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "packer/model/load_trace.h"
#include "packer/model/simulate.h"
#include "packer/model/simulation_report.h"
#include "packer/model/synthetic_trace.h"
#include "sources/durable_file.h"
#include "sources/read_file.h"

namespace xdpfwd::bench {
namespace {

int complain(const Error& error) {
  fmt::print(stderr, "xdpfwd-bench: {}\n", error.text());
  return 1;
}

}  // namespace

int napi_sim(const NapiSimRequest& request) {
  std::vector<std::string> names = request.traces;
  if (names.empty())
    for (const packer::SyntheticKind& kind : packer::synthetic_kinds()) names.emplace_back(kind.name);
  std::vector<packer::SimulationResult> results;
  std::string tables;
  for (const std::string& name : names) {
    // A recording is what it is, whatever the seed.
    const uint32_t seeds = packer::is_synthetic(name) ? request.seeds : 1;
    for (uint32_t i = 0; i < seeds; ++i) {
      const uint64_t seed = request.seed + i;
      packer::SyntheticSettings synthetic{.queues = request.queues,
                                          .guests = request.guests,
                                          .seed = seed,
                                          .load = request.load / 100 * std::min(request.queues, request.cpus),
                                          .seconds = request.seconds};
      const auto trace = packer::make_trace(name, synthetic, [](const std::string& path) {
        return read_file(path, packer::kLargestRecording);
      });
      if (!trace) return complain(trace.error());
      packer::SimulationSettings settings{.seed = seed};
      settings.host.cpus = request.cpus;
      settings.packer.target = static_cast<float>(request.target / 100);
      settings.packer.mark =
          static_cast<float>(request.mark.value_or(packer::usual_mark(request.target)) / 100);
      auto result = packer::simulate(name, **trace, settings);
      if (!result) return complain(result.error());
      const std::string table = packer::simulation_text(*result);
      fmt::print("{}\n", table);
      std::fflush(stdout);
      tables += table + "\n";
      results.push_back(std::move(*result));
    }
  }
  const std::string json = packer::simulation_json(results);
  if (!request.out.empty()) {
    const std::filesystem::path folder = request.out;
    for (const auto& [file, text] :
         {std::pair("napi-sim.txt", tables), std::pair("napi-sim.json", json + "\n")})
      if (const auto written = replace_durably(folder, folder / file, text); !written)
        return complain(written.error());
  }
  if (request.json) fmt::print("{}\n", json);
  return 0;
}

}  // namespace xdpfwd::bench

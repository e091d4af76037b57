// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/napi_pack.h"

#include <fmt/format.h>

#include <algorithm>

#include "packer/model/load_trace.h"
#include "packer/model/simulate.h"
#include "packer/model/simulation_report.h"
#include "sources/read_file.h"

namespace xdpfwd {

int simulate_packing(const Session& session, const PackArguments& arguments) {
  const packer::SyntheticSettings synthetic{
      .queues = arguments.queues,
      .guests = arguments.guests,
      .seed = arguments.seed,
      .load = arguments.load / 100 * std::min(arguments.queues, arguments.cpus),
      .seconds = arguments.seconds};
  const auto trace = packer::make_trace(arguments.trace, synthetic, [](const std::string& path) {
    return read_file(path, packer::kLargestRecording);
  });
  if (!trace) return complain(session, trace.error(), kExitUsage);
  packer::SimulationSettings settings{.seed = arguments.seed};
  settings.host.cpus = arguments.cpus;
  settings.packer.target = static_cast<float>(arguments.target / 100);
  settings.packer.mark =
      static_cast<float>(arguments.mark.value_or(packer::usual_mark(arguments.target)) / 100);
  const auto result = packer::simulate(arguments.trace, **trace, settings);
  if (!result) return complain(session, result.error(), kExitUsage);
  fmt::print(
      session.out, "{}\n",
      session.json ? packer::simulation_json(std::span(&*result, 1)) : packer::simulation_text(*result));
  return kExitGood;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "bench/self_test.h"

#include <fmt/format.h>

#include "bench/rig.h"

namespace xdpfwd::bench {

Result<nlohmann::json> self_test(unsigned rx_cpu, unsigned tx_cpu, Telemetry& telemetry) {
  auto rig = Rig::make({.name = "self-test", .rx_cpu = rx_cpu, .tx_cpu = tx_cpu}, telemetry);
  if (!rig) return std::unexpected(rig.error());
  // A busy machine may hold the generator up: that shows in the results as frames not sent. It must work some
  // time.
  constexpr int kTries = 10;
  nlohmann::json met = nlohmann::json::array();
  for (const double pps : {10e3, 100e3, 500e3, 0.0}) {
    for (int attempt = 1;; ++attempt) {
      const auto trial = (*rig)->send_without_forwarder({.pps = pps, .seconds = 0.2});
      if (!trial) return std::unexpected(trial.error());
      const bool good = trial->lost() == 0 && trial->wrong == 0;
      if (good || attempt == kTries) {
        met.push_back({{"asked_pps", pps},
                       {"pps", static_cast<double>(trial->sent) / trial->seconds},
                       {"lost", trial->lost()},
                       {"attempts", attempt}});
        // At higher rates a loss is a property of the machine that the reader must know; here, nothing would
        // hold.
        if (!good && pps > 0 && pps <= 100e3)
          return fail(
              fmt::format("the self-test lost {} of {} frames at {} pps, without any forwarder, {} times",
                          trial->lost(), trial->due, pps, kTries),
              "this machine is too busy to measure on");
        break;
      }
    }
  }
  return met;
}

}  // namespace xdpfwd::bench

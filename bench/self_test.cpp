// SPDX-License-Identifier: BSD-2-Clause
#include "bench/self_test.h"

#include <fmt/format.h>

#include <chrono>

#include "bench/rig.h"

namespace xdpfwd::bench {

Result<nlohmann::json> self_test(unsigned rx_cpu, unsigned tx_cpu, Telemetry& telemetry,
                                 const std::function<bool()>& interrupted) {
  auto rig = Rig::make({.name = "self-test", .rx_cpu = rx_cpu, .tx_cpu = tx_cpu}, telemetry);
  if (!rig) return std::unexpected(rig.error());
  // A busy machine may hold the generator up: that shows in the results as frames not sent. It must work some
  // time; a machine that something else keeps busy for a while is waited for.
  using Clock = std::chrono::steady_clock;
  constexpr int kTries = 10;
  constexpr auto kPatience = std::chrono::seconds(60);
  nlohmann::json met = nlohmann::json::array();
  for (const double pps : {10e3, 100e3, 500e3, 0.0}) {
    // At higher rates a loss is a property of the machine that the reader must know; here, nothing would
    // hold.
    const bool must = pps > 0 && pps <= 100e3;
    const Clock::time_point begun = Clock::now();
    for (int attempt = 1;; ++attempt) {
      if (interrupted()) return met;
      const auto trial = (*rig)->send_without_forwarder({.pps = pps, .seconds = 0.2});
      if (!trial) return std::unexpected(trial.error());
      const bool good = trial->lost() == 0 && trial->wrong == 0;
      const bool over = attempt >= kTries && (!must || Clock::now() - begun >= kPatience);
      if (good || over) {
        met.push_back({{"asked_pps", pps},
                       {"pps", static_cast<double>(trial->sent) / trial->seconds},
                       {"lost", trial->lost()},
                       {"attempts", attempt}});
        if (!good && must)
          return fail(
              fmt::format("the self-test lost {} of {} frames at {} pps, without any forwarder, {} times",
                          trial->lost(), trial->due, pps, attempt),
              "this machine is too busy to measure on");
        break;
      }
    }
  }
  return met;
}

}  // namespace xdpfwd::bench

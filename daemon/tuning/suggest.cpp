// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/suggest.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpfwd {
namespace {

constexpr uint32_t kTried[] = {0, 16, 32, 64, 128, 200};
// Less says nothing.
constexpr uint64_t kFewPackets = 500;
constexpr double kFewZeroShare = 0.1;
// Rates of one load differ so much from one moment to the next.
constexpr double kSameLoad = 0.3;
// What counts as an improvement, as the same, and as worse.
constexpr double kBetter = 0.8;
constexpr double kAsGood = 1.1;
constexpr double kWorse = 1.1;
// The NIC may hold received packets back with it: then packets come in larger bunches, later.
constexpr double kMoreDelay = 1.5;

double rate(uint64_t count, const TxRung& rung) {
  return rung.period_ns == 0 ? 0 : static_cast<double>(count) * 1e9 / static_cast<double>(rung.period_ns);
}
double zero_rate(const TxRung& rung) {
  return rate(rung.zero_polls, rung);
}
double load(const TxRung& rung) {
  return rate(rung.packets, rung);
}
double cpu(const TxRung& rung) {
  return rate(rung.net_softirq_ns, rung);
}
double bunch(const TxRung& rung) {
  const uint64_t working = rung.polls - rung.zero_polls;
  return working == 0 ? 0 : static_cast<double>(rung.packets) / static_cast<double>(working);
}

}  // namespace

std::vector<uint32_t> tx_walk(uint32_t present, const TxBound& bound, bool zero) {
  std::vector<uint32_t> walk = {present};
  for (const uint32_t usecs : kTried)
    if (usecs != present && usecs <= bound.usecs && (usecs != 0 || zero)) walk.push_back(usecs);
  if (bound.usecs != present && std::ranges::find(kTried, bound.usecs) == std::end(kTried))
    walk.push_back(bound.usecs);
  walk.push_back(present);
  return walk;
}

SuggestReport suggest_tx(const std::string& device, const std::string& driver, uint32_t present,
                         std::vector<TxRung> rungs, const TxBound& bound) {
  SuggestReport report{
      .device = device, .present = present, .rungs = std::move(rungs), .suggested = std::nullopt, .why = {}};
  const std::vector<TxRung>& seen = report.rungs;
  const auto none = [&](std::string why) {
    report.why = std::move(why);
    return report;
  };
  if (seen.size() < 3) return none("no other value was tried");
  const auto quiet = std::ranges::min_element(seen, {}, &TxRung::packets);
  if (quiet->packets < kFewPackets)
    return none(fmt::format("there is too little traffic to tell: {} packets with tx-usecs {}",
                            quiet->packets, quiet->usecs));
  const auto [least, most] = std::ranges::minmax(seen, {}, load);
  if (load(least) < (1 - kSameLoad) * load(most))
    return none(
        fmt::format("the load changed meanwhile, from {:.0f} to {:.0f} packets each second: try again",
                    load(least), load(most)));

  // The present value was measured twice; the better one counts, so that chance does not speak for another.
  const TxRung& now = zero_rate(seen.back()) < zero_rate(seen.front()) ? seen.back() : seen.front();
  const double share =
      now.polls == 0 ? 0 : static_cast<double>(now.zero_polls) / static_cast<double>(now.polls);
  if (share < kFewZeroShare)
    return none(fmt::format(
        "{:.1f} % of polls take no packet with the present value: there is little to gain", 100 * share));
  const auto [fewest, fullest] = std::ranges::minmax(seen, {}, zero_rate);
  if (zero_rate(fewest) > kBetter * zero_rate(fullest))
    return none(
        fmt::format("{:.0f} to {:.0f} polls without a packet each second, whatever the value: the driver "
                    "{} takes tx-usecs and they have no effect",
                    zero_rate(fewest), zero_rate(fullest), driver));

  const auto acceptable = [&](const TxRung& rung) {
    return rung.usecs <= bound.usecs && cpu(rung) <= kWorse * cpu(now) &&
           bunch(rung) <= kMoreDelay * bunch(now);
  };
  // The shortest delay that is nearly as good as the best acceptable one.
  double best = zero_rate(now);
  for (const TxRung& rung : seen)
    if (acceptable(rung)) best = std::min(best, zero_rate(rung));
  const TxRung* chosen = nullptr;
  for (const TxRung& rung : seen)
    if (acceptable(rung) && zero_rate(rung) <= kAsGood * best && (!chosen || rung.usecs < chosen->usecs))
      chosen = &rung;
  if (!chosen || chosen->usecs == present || zero_rate(*chosen) > kBetter * zero_rate(now))
    return none("no other value has clearly fewer polls without a packet at no higher cost");
  report.suggested = chosen->usecs;
  report.why = fmt::format(
      "{:.0f} polls without a packet each second, not {:.0f}; {:.1f} % of a CPU in network "
      "softirqs, not {:.1f} %; {}",
      zero_rate(*chosen), zero_rate(now), cpu(*chosen) / 1e7, cpu(now) / 1e7, bound.why);
  return report;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/tap_rates.h"

namespace xdpfwd {

void TapRates::feed(const std::vector<TapCount>& counts, uint64_t now_ms) {
  const double passed_ms = last_ms_ ? static_cast<double>(now_ms - *last_ms_) : 0;
  const double share = passed_ms / (passed_ms + static_cast<double>(kMemoryMs));
  last_ms_ = now_ms;
  std::map<InterfaceName, Tap> taps;
  for (const TapCount& count : counts) {
    Tap& tap = taps[count.tap];
    tap.packets = count.packets;
    const auto before = taps_.find(count.tap);
    // Counters start again where a tap of the same name is another one.
    if (passed_ms == 0 || before == taps_.end() || before->second.packets > count.packets) continue;
    const double now = static_cast<double>(count.packets - before->second.packets) * 1000 / passed_ms;
    const std::optional<double>& old = before->second.rate;
    tap.rate = old ? *old + (now - *old) * share : now;
  }
  taps_ = std::move(taps);
}

std::optional<uint64_t> TapRates::rate(const InterfaceName& tap) const {
  const auto at = taps_.find(tap);
  if (at == taps_.end() || !at->second.rate) return std::nullopt;
  return static_cast<uint64_t>(*at->second.rate);
}

}  // namespace xdpfwd

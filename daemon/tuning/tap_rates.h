// SPDX-License-Identifier: BSD-2-Clause
// How much each tap is sent, from counters that only grow: packets a second, as of the last minutes, so that
// what comes and goes moves no guest. Who reads the counters, and when, is the shell's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/net.h"

namespace xdpfwd {

struct TapCount {
  InterfaceName tap;
  uint64_t packets = 0;  // so far
};

class TapRates {
 public:
  // Two readings are at least so far apart.
  static constexpr uint64_t kPeriodMs = 10'000;
  // So old is what half of a rate comes from, about.
  static constexpr uint64_t kMemoryMs = 120'000;

  [[nodiscard]] bool due(uint64_t now_ms) const { return !last_ms_ || now_ms - *last_ms_ >= kPeriodMs; }
  // All taps; those that are not among them are forgotten.
  void feed(const std::vector<TapCount>& counts, uint64_t now_ms);
  // Packets a second; nothing before the second reading.
  [[nodiscard]] std::optional<uint64_t> rate(const InterfaceName& tap) const;

 private:
  struct Tap {
    uint64_t packets = 0;
    std::optional<double> rate;
  };
  std::map<InterfaceName, Tap> taps_;
  std::optional<uint64_t> last_ms_;
};

}  // namespace xdpfwd

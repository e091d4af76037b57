// SPDX-License-Identifier: BSD-2-Clause
// The arithmetic of a pace: when frame n of a run is due. Deadlines are absolute, so that an error does not
// add up; the interval has 16 binary digits after the point, so that a rate is met to one part in a million.
#pragma once

#include <cmath>
#include <cstdint>

namespace xdpfwd::pktgen {

class Pace {
 public:
  static constexpr double kSlowest = 0.001;  // frames a second
  static constexpr double kFastest = 1e8;

  constexpr Pace() = default;  // no pace: as fast as possible
  // 0 is "as fast as possible"; anything else is held between kSlowest and kFastest.
  static Pace of_pps(double pps) {
    Pace pace;
    if (pps <= 0) return pace;
    pps = std::fmin(std::fmax(pps, kSlowest), kFastest);
    pace.interval_q16_ = static_cast<uint64_t>(std::llround(65536e9 / pps));
    return pace;
  }

  [[nodiscard]] constexpr bool unlimited() const { return interval_q16_ == 0; }
  [[nodiscard]] constexpr uint64_t interval_q16() const { return interval_q16_; }
  // From the start of the run to frame n, counted from 0.
  [[nodiscard]] constexpr uint64_t due_ns(uint64_t n) const {
    return static_cast<uint64_t>(static_cast<unsigned __int128>(n) * interval_q16_ >> 16);
  }
  // How many frames are due at `elapsed_ns`: the smallest n whose due_ns lies in the future.
  [[nodiscard]] constexpr uint64_t due_count(uint64_t elapsed_ns) const {
    if (unlimited()) return UINT64_MAX;
    const auto elapsed_q16 = (static_cast<unsigned __int128>(elapsed_ns) + 1) << 16;
    return static_cast<uint64_t>((elapsed_q16 + interval_q16_ - 1) / interval_q16_);
  }

 private:
  uint64_t interval_q16_ = 0;
};

}  // namespace xdpfwd::pktgen

// SPDX-License-Identifier: BSD-2-Clause
// The arithmetic of a pace: when the next frame of a run is due. Gaps are added up from the start of the run,
// so that an error does not grow; the interval has 16 binary digits after the point, so that a rate is met to
// one part in a million.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <random>

#include "pktgen/generator.h"

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

 private:
  uint64_t interval_q16_ = 0;
};

// Gaps of a Poisson process, as multiples of their mean in 1/65536: quantiles of the exponential
// distribution, to be picked from at random. Their mean is 1 to one part in ten thousand.
const std::array<uint32_t, PKTGEN_GAPS>& poisson_gaps_q16();

// When frames are due: evenly, in bursts of frames due at the same moment, at random, or in bursts at random.
// The rate is the same each time. generator.bpf.c does the same.
class Arrivals {
 public:
  Arrivals(Pace pace, unsigned burst, bool poisson)
      : pace_(pace), burst_(burst), poisson_(poisson), in_burst_(burst > 1 ? burst - 1 : 0) {}

  // Of the next frame, from the start of the run.
  [[nodiscard]] uint64_t due_ns() const { return due_q16_ >> 16; }
  void next() {
    uint64_t gap = pace_.interval_q16();
    if (burst_ > 1) {
      if (in_burst_ > 0) {
        --in_burst_;
        return;
      }
      in_burst_ = burst_ - 1;
      gap *= burst_;
    }
    if (poisson_) gap = (gap >> 16) * poisson_gaps_q16()[random_() % PKTGEN_GAPS];
    due_q16_ += gap;
  }

 private:
  Pace pace_;
  unsigned burst_;
  bool poisson_;
  unsigned in_burst_;  // frames left of the present burst
  uint64_t due_q16_ = 0;
  std::minstd_rand random_;
};

}  // namespace xdpfwd::pktgen

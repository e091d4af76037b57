// SPDX-License-Identifier: BSD-2-Clause
// How much CPU one NAPI is going to want, from what it had: up at once, down slowly. Knows nothing of the
// other NAPIs, but for whether the CPU that they share had time left.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "packer/host.h"

namespace xdpfwd::packer {

inline constexpr size_t kWindow = 16;  // control intervals

// A NAPI's load in each interval of the window, the same one at the same place in all, then three more
// entries. Profiles of NAPIs that share a CPU are added entry by entry: the greatest sum is the peak that
// they would have had together, which is less than the sum of their peaks unless they rise together.
using Profile = std::array<float, kWindow + 4>;
inline constexpr size_t kExpected = kWindow;        // in the coming interval
inline constexpr size_t kMeasured = kWindow + 2;    // in the last interval
inline constexpr size_t kMean = kWindow + 3;        // of the window
inline constexpr size_t kRemembered = kWindow + 1;  // of those who rise again and again: their peak

class Demand {
 public:
  // Interval `now`, counted from 1 by all NAPIs alike. `starved`: its CPU had no time left, and it had as
  // much of it as any; so what it was given says little of what it wants.
  void observe(const NapiLoad& load, bool starved, uint64_t now);
  [[nodiscard]] const Profile& profile() const { return profile_; }

 private:
  [[nodiscard]] float window_peak() const;
  [[nodiscard]] uint64_t memory() const;  // intervals that a peak is remembered for
  void remember(float sample, bool surprise);

  Profile profile_{};
  uint64_t now_ = 0;
  float last_ = 0;
  // Back-off: who rises unexpectedly again and again is remembered for longer each time.
  uint32_t level_ = 0;
  uint64_t surprised_ = 0;      // when last
  uint64_t watched_until_ = 0;  // another surprise until then raises the level
  uint64_t held_until_ = 0;
  float peak_ = 0;  // while held
};

}  // namespace xdpfwd::packer

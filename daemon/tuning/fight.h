// SPDX-License-Identifier: BSD-2-Clause
// Keeps us from fighting for a setting: what somebody else resets is set again a few times, then left alone
// for a while and reported. Whether a step sets something again, the plan says.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "core/setting.h"
#include "tuning/plan_tuning.h"

namespace xdpfwd {

class Fights {
 public:
  static constexpr size_t kMost = 3;              // times
  static constexpr uint64_t kWithinMs = 120'000;  // in so long a time
  static constexpr uint64_t kPauseMs = 60'000;    // then left alone for so long

  // Settings to hold in the next plan, sorted. Times are of a clock that only goes forward.
  std::vector<Setting> held(uint64_t now_ms);

  // Of a plan that is about to be applied. The answer is what it must not do: give it to the next plan as
  // `holding`, and report it as "somebody else sets it". Empty: go ahead, it has been counted.
  std::vector<Setting> count(const TuningPlan& plan, uint64_t now_ms);

  // When the first pause ends, or 0.
  [[nodiscard]] uint64_t next_ms() const;

 private:
  struct Bout {
    std::deque<uint64_t> times;  // ms
    uint64_t until = 0;          // ms; 0 = no pause
  };
  void forget(uint64_t now_ms);

  std::map<Setting, Bout> bouts_;
};

}  // namespace xdpfwd

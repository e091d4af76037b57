// SPDX-License-Identifier: BSD-2-Clause
// Whether tuning has the effect that it is for: does every value read back, and do interrupts, polls and
// frames say the same? A driver that takes a value and does something else is named. Measuring is left to the
// shell, and so is what to do about it.
#pragma once

#include <string>
#include <vector>

#include "core/effect_report.h"
#include "core/setting.h"
#include "tuning/plan_tuning.h"
#include "tuning/wish.h"

namespace xdpfwd {

// A value that a driver refused, or took without an error and did not keep.
struct RefusedValue {
  Setting setting;
  std::string why;
};

struct WantedTuning {
  bool held = false;  // somebody asked for it
  std::vector<DesiredSetting> settings;
  std::vector<RefusedValue> refused;
  std::vector<GuestWish> guests;
};

// `host` and `polls` are of the members.
std::vector<Finding> verify_tuning(const WantedTuning& wanted, const HostTuning& host,
                                   const PollsReport& polls);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The difference between the wanted and the observed knobs, as steps in an order that drivers need. Nothing
// that holds already is written. What is wanted no more goes back to what it was before us; to want nothing
// is to revert, and goes through the same code.
#pragma once

#include <string>
#include <vector>

#include "core/action.h"
#include "core/setting.h"
#include "tuning/remark.h"
#include "tuning/undo_log.h"

namespace xdpfwd {

// A value that is wanted, and why.
struct DesiredSetting {
  Setting setting;
  InterfaceName device;  // empty: the host
  std::string value;
  std::string reason;
  bool roams = false;  // it is moved without a plan (packing.h): whatever it reads is our doing
};

struct TuningStep {
  Setting setting;
  InterfaceName device;
  std::string
      from;  // observed when it was planned. Equal to `to`: set again, because a step before it may reset it
  std::string to;
  std::string reason;
  bool resets = false;  // the NIC is without link for up to seconds: wait for it before the next NIC's steps
  bool reasserts = false;  // we had set this before, and it did not stay (see fight.h)

  [[nodiscard]] Tune action() const { return {.setting = setting, .name = device, .value = to}; }
};

// A setting that we had changed, that is not wanted any more, and that somebody else changed since.
struct LeftAlone {
  Setting setting;
  InterfaceName device;
  std::string ours;
  std::string now;
};

struct TuningPlan {
  std::vector<TuningStep> steps;  // NIC after NIC, then taps, the host last; but what goes back of it first
  std::vector<Disturbed> disturbed;
  std::vector<Disturbed> roaming;  // wanted, and moved without a plan; by setting
  std::vector<LeftAlone> left_alone;
  std::vector<Remark> remarks;
  // Queues come or go: what is wanted of new ones is seen only afterwards. Plan again when the steps are
  // done.
  bool again = false;
};

struct TuningQuestion {
  std::vector<DesiredSetting> desired;  // sorted by setting, each once; but rules in the order of importance
  // Left exactly as observed, though wanted or in the log: a driver refused the value, or somebody fights for
  // it.
  std::vector<Setting> holding;  // sorted
};

TuningPlan plan_tuning(const TuningQuestion& question, const HostTuning& observed, const UndoLog& log);

}  // namespace xdpfwd

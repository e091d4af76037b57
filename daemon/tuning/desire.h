// SPDX-License-Identifier: BSD-2-Clause
// What each knob of this host should be, given what the operator wants: NIC by NIC, queue by queue, tap by
// tap. Only knobs that are there; what a NIC lacks is said once. The order of changes is left to
// plan_tuning.h.
#pragma once

#include <cstdint>
#include <vector>

#include "core/setting.h"
#include "tuning/plan_tuning.h"
#include "tuning/pollers.h"
#include "tuning/remark.h"
#include "tuning/steering.h"
#include "tuning/undo_log.h"
#include "tuning/wish.h"

namespace xdpfwd {

// A guest's tap that exists.
struct TunedTap {
  uint32_t ifindex = 0;
  InterfaceName name;
};

struct TuningDesire {
  std::vector<DesiredSetting> settings;  // as plan_tuning() takes them
  Steering steering;                     // empty where no NIC steers
  std::vector<Poller> pollers;           // by CPU
  std::vector<Remark> remarks;
};

// `observed.nics` are the members. `log` tells our rules from others'. `holding` (sorted): what stays as it
// is, though wanted otherwise, as a driver refused it. `unpolled` (sorted): queues that nothing busy-polls.
TuningDesire desire_tuning(const Wish& wish, const HostTuning& observed, const std::vector<TunedTap>& taps,
                           const UndoLog& log, const GuestLoads& loads,
                           const std::vector<Setting>& holding = {},
                           const std::vector<uint32_t>& unpolled = {});

}  // namespace xdpfwd

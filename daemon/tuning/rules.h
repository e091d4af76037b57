// SPDX-License-Identifier: BSD-2-Clause
// Which steering rules a NIC gets, and where in its table. Locations are ours to choose (mlx5 takes no rule
// without one); a rule that is not ours is never touched. Where the table is too small, each guest gets its
// first rule before any gets its second.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/setting.h"
#include "tuning/remark.h"
#include "tuning/undo_log.h"
#include "tuning/wish.h"

namespace xdpfwd {

struct WantedRule {
  SteeringRule rule;
  uint32_t guest = 0;  // index into the guests
};

// In the order in which they are served: first rules of all guests, by name, then second ones, ... One rule a
// MAC; with the VLAN only for a MAC that leads to several guests. Such a MAC's untagged guest gets none: its
// rule would match on every VLAN.
std::vector<WantedRule> want_rules(const std::vector<GuestWish>& guests,
                                   const std::vector<uint32_t>& queue_of_guest, std::vector<Remark>& remarks);

struct PlacedRule {
  uint32_t location = 0;
  uint32_t wanted = 0;  // index into the wanted rules
};

// In the order of `wanted`. A rule that is there stays where it is, and one whose queue changes too; others
// get the lowest free locations.
std::vector<PlacedRule> place_rules(const std::vector<WantedRule>& wanted,
                                    const std::vector<GuestWish>& guests, const Nic& nic,
                                    const HostTuning& observed, const UndoLog& log,
                                    std::vector<Remark>& remarks);

// The queue that our rules give a guest now: that of its first rule, on the first NIC that has one.
std::vector<std::optional<uint32_t>> present_queues(const std::vector<GuestWish>& guests,
                                                    const HostTuning& observed, const UndoLog& log);

}  // namespace xdpfwd

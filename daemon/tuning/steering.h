// SPDX-License-Identifier: BSD-2-Clause
// Which guest is received by which queue, the same number on every member. Who has a queue keeps it, unless
// that queue is busy and a move takes much off it; others get the least loaded one. Guests of different
// profiles share no queue while there are enough queues. How a NIC is told is left to rules.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tuning/remark.h"
#include "tuning/wish.h"

namespace xdpfwd {

using GuestLoads = std::unordered_map<std::string, uint64_t>;  // packets per second, by guest name

// Below so many packets a second a queue is no CPU's trouble, and nobody is moved.
inline constexpr uint64_t kBusyQueue = 100'000;

struct SteeringQuestion {
  uint32_t queues = 0;                           // at least 1
  std::vector<std::optional<uint32_t>> present;  // by guest: its queue now; may be out of range
  std::vector<uint32_t> cpu_of_queue;            // UINT32_MAX: none in particular
  GuestLoads loads;                              // a guest that is not in it counts as an average one
};

struct Steering {
  std::vector<uint32_t> queue_of_guest;                  // by index of the guests
  std::vector<std::optional<Profile>> profile_of_queue;  // empty: as [tuning]
};

// `guests` sorted by name. `base` is the profile that guests without one of their own have.
Steering steer(const std::vector<GuestWish>& guests, Profile base, const SteeringQuestion& question,
               std::vector<Remark>& remarks);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/wish.h"

#include <algorithm>

namespace xdpfwd {

Wish make_wish(const TuningSettings& tuning, const std::vector<Guest>& guests) {
  Wish wish{.tuning = tuning, .guests = {}};
  wish.guests.reserve(guests.size());
  for (const Guest& guest : guests)
    wish.guests.push_back({.name = guest.name,
                           .tap = guest.tap,
                           .macs = guest.macs,
                           .vlans = guest.vlans,
                           .profile = guest.profile == tuning.profile ? std::nullopt : guest.profile,
                           .cpu = guest.cpu});
  std::ranges::sort(wish.guests, {}, &GuestWish::name);
  return wish;
}

}  // namespace xdpfwd

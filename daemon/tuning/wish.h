// SPDX-License-Identifier: BSD-2-Clause
// What the operator wants of the host's knobs, whatever they are set to now: the [tuning] section and what
// each guest has of its own. Made once for each configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"

namespace xdpfwd {

struct GuestWish {
  std::string name;
  InterfaceName tap;
  std::vector<MacAddress> macs;
  std::vector<VlanTag> vlans;
  std::optional<Profile> profile;  // empty: as [tuning], with the values given there
  std::optional<uint32_t> cpu;
};

struct Wish {
  TuningSettings tuning;
  std::vector<GuestWish> guests;  // sorted by name: who is served first does not hang on the order of files
};

// A guest's profile that is the one of [tuning] counts as inherited.
Wish make_wish(const TuningSettings& tuning, const std::vector<Guest>& guests);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// What the operator wants, whatever the kernel looks like now: settings and rows, ready to be compiled
// against an observation. Made once for each configuration, not for each event.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "core/config.h"

namespace xdpfwd {

struct IntentRow {
  FdbKey key;
  uint32_t tap = 0;    // index into Intent::taps
  uint32_t flags = 0;  // XDPFWD_FDB_*
  uint32_t guest = 0;  // index into the guests it was made from
};

struct Intent {
  Settings settings;
  std::vector<InterfaceName> taps;  // distinct, sorted by name
  std::vector<IntentRow> rows;      // sorted by key
};

// Refuses guests that break check_guests(), a guest on an uplink, and more rows than fdb.max_entries.
Result<Intent> make_intent(const Settings& settings, const std::vector<Guest>& guests);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/intent.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpfwd {

Result<Intent> make_intent(const Settings& settings, const std::vector<Guest>& guests) {
  if (auto checked = check_guests(guests); !checked) return std::unexpected(checked.error());
  Intent intent{.settings = settings, .taps = {}, .rows = {}};
  size_t count = 0;
  intent.taps.reserve(guests.size());
  for (const Guest& guest : guests) {
    if (std::ranges::find(settings.devices, guest.tap) != settings.devices.end())
      return fail(fmt::format("{}: guest '{}': its tap {} is one of uplink.devices", guest.where.text(),
                              guest.name, guest.tap.view()),
                  "name the tap that its VM reads, or correct uplink.devices: the uplink leads to the wire",
                  EINVAL);
    count += guest.macs.size() * guest.vlans.size();
    intent.taps.push_back(guest.tap);
  }
  if (count > settings.max_entries)
    return fail(
        fmt::format("the guests need {} rows, but fdb.max_entries is {}", count, settings.max_entries),
        "raise fdb.max_entries in the configuration and reload: the table grows without a gap", ENOSPC);
  std::ranges::sort(intent.taps);
  const auto duplicates = std::ranges::unique(intent.taps);
  intent.taps.erase(duplicates.begin(), duplicates.end());
  intent.taps.shrink_to_fit();

  intent.rows.reserve(count);
  for (uint32_t g = 0; g < guests.size(); ++g) {
    const Guest& guest = guests[g];
    const auto tap =
        static_cast<uint32_t>(std::ranges::lower_bound(intent.taps, guest.tap) - intent.taps.begin());
    for (const VlanTag vlan : guest.vlans)
      for (const MacAddress mac : guest.macs)
        intent.rows.push_back({.key = FdbKey::make(mac, vlan),
                               .tap = tap,
                               .flags = guest.keep_tag ? uint32_t{XDPFWD_FDB_KEEP_TAG} : 0,
                               .guest = g});
  }
  std::ranges::sort(intent.rows, {}, &IntentRow::key);
  return intent;
}

}  // namespace xdpfwd

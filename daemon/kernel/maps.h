// SPDX-License-Identifier: BSD-2-Clause
// The maps as the daemon writes and reads them. Each function is one kind of map access; none knows why.
#pragma once

#include <span>
#include <vector>

#include "base/unique_fd.h"
#include "core/action.h"
#include "core/sample.h"
#include "kernel/fdb_mapping.h"
#include "kernel/pins.h"

namespace xdpfwd {

struct Maps {
  UniqueFd fdb, devmap, ports, port_stats, members, member_stats, senders, port_slots, port_losses;
  FdbMapping rows;  // what `fdb` holds
};

// The pinned maps of our ABI version; nothing if there are none, or if a map is missing or has another shape.
Result<std::optional<Maps>> adopt_maps(const Pins& pins);
// A complete new set, pinned in one step.
Result<Maps> create_maps(const Pins& pins, uint32_t fdb_capacity);
// A new, empty FDB in the place of the pinned one.
Result<void> replace_fdb(const Pins& pins, Maps& maps, uint32_t fdb_capacity);

struct MapFacts {
  uint32_t id = 0;
  uint32_t max_entries = 0;
};
Result<MapFacts> map_facts(const UniqueFd& map);

Outcome set_rows(Maps& maps, std::span<const FdbRow> rows);
Outcome delete_rows(Maps& maps, std::span<const FdbKey> keys);

Result<std::vector<Port>> read_ports(const Maps& maps);  // named slots, sorted
Result<void> open_port(const Maps& maps, const Port& port, bool reset_counters);
Result<void> close_port(const Maps& maps, uint32_t slot, uint32_t ifindex);

Result<std::vector<xdpfwd_member>> read_members(const Maps& maps);  // XDPFWD_MAX_MEMBERS of them
Result<void> write_member(const Maps& maps, uint32_t slot, const xdpfwd_member& member);
Result<void> reset_member_counters(const Maps& maps, uint32_t slot);

Result<PortSample> sample_port(const Maps& maps, uint32_t slot);
Result<MemberSample> sample_member(const Maps& maps, uint32_t slot);

}  // namespace xdpfwd

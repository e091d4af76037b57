// SPDX-License-Identifier: BSD-2-Clause
// A World in the maps of a loaded uplink object, whichever build it is, and the counters that come out of
// them.
#pragma once

#include "base/result.h"
#include "kernel/fdb_mapping.h"
#include "tests/bpf/engine.h"

struct bpf_map;
struct bpf_object;

namespace xdpfwd::test {

class KernelTables {
 public:
  KernelTables() = default;
  // The object is loaded, with kMemberSlot as its member slot.
  explicit KernelTables(const bpf_object* object);

  // Gives the other members' slots flags of their own, and ours an empty world.
  Result<void> prepare();
  Result<void> install(const World& world);
  Result<Counters> counters();
  Result<void> reset_counters();

 private:
  FdbMapping rows_;
  const bpf_map *fdb_ = nullptr, *devmap_ = nullptr, *ports_ = nullptr, *port_stats_ = nullptr,
                *members_ = nullptr, *member_stats_ = nullptr;
  World installed_;
};

}  // namespace xdpfwd::test

// SPDX-License-Identifier: BSD-2-Clause
// Which NAPI instances may be moved from CPU to CPU, and between which: those of mode auto whose thread and
// interrupt the undo log lets roam. Where each should be is packer/'s to decide; when, the shell's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/setting.h"
#include "tuning/undo_log.h"
#include "tuning/wish.h"

namespace xdpfwd {

struct PackedNapi {
  uint32_t ifindex = 0;
  InterfaceName device;
  uint32_t place = 0;               // in Nic::napis
  uint32_t napi = 0;                // id
  std::optional<uint32_t> queue{};  // empty: not known, or one of sending
  uint32_t irq = 0;                 // to be moved along; 0 = none
  int32_t node = -1;                // of the NIC
  uint32_t cpu = 0;                 // where it is
  bool operator==(const PackedNapi&) const = default;
};

// A CPU that they may be on.
struct PackingCpu {
  uint32_t cpu = 0;
  int32_t node = -1;
  uint32_t core = 0;  // siblings have the same
  bool operator==(const PackingCpu&) const = default;
};

struct Packable {
  std::vector<PackedNapi> napis;  // by NIC and place
  std::vector<PackingCpu> cpus;
  uint32_t target_percent = 90;  // of a CPU, that is filled
  bool operator==(const Packable&) const = default;
};

// `observed.nics` are the members.
Packable packable(const Wish& wish, const HostTuning& observed, const UndoLog& log);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// One step that a Kernel can take. Each is idempotent, carries everything it needs, and decides nothing.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "core/setting.h"
#include "core/state.h"

namespace xdpfwd {

// Rows in one action: bounds the time of one step and the memory of one system call.
inline constexpr size_t kRowsPerAction = 4096;

// A new, empty table takes the place of the present one. Programs keep using the old one until replaced.
struct CreateTable {
  uint32_t capacity = 0;
};
// From here on frames to the slot pass to the stack. Its name is remembered.
struct ClosePort {
  uint32_t slot = 0;
  uint32_t ifindex = 0;
};
struct OpenPort {
  Port port;
  bool reset_counters = false;  // the slot belonged to another name before
};
struct DeleteRows {
  std::vector<FdbKey> keys;
};
struct SetRows {
  std::vector<FdbRow> rows;
};
// Waits until no program can still hold what it read from a map before this step.
struct AwaitGrace {};
// Turning it off is remembered as a change of ours, turning it on forgets it.
struct SetRxVlan {
  uint32_t ifindex = 0;
  InterfaceName name;
  bool on = false;
};
// The administrative flag only: what a bridge or a capture asks of the NIC is not touched. Remembered
// likewise.
struct SetPromisc {
  uint32_t ifindex = 0;
  InterfaceName name;
  bool on = false;
};
struct AttachMember {
  Member member;
};
// Puts our program into the member's link, in place: no frame sees the port without a program.
struct ReplaceProgram {
  Member member;
};
struct SetMember {
  Member member;
};
struct DetachMember {
  uint32_t slot = 0;
  uint32_t ifindex = 0;
  InterfaceName name;
};
// Starts counting what is lost after the verdict.
struct WatchLosses {};
// Removes every map and pin; nothing may be attached any more.
struct RemoveTable {};
// Sets a knob of a NIC, a tap or the host (ifindex 0, no name). What it was before is noted elsewhere, first.
struct Tune {
  Setting setting;
  InterfaceName name;
  std::string value;
};

using Action =
    std::variant<CreateTable, ClosePort, OpenPort, DeleteRows, SetRows, AwaitGrace, SetRxVlan, SetPromisc,
                 AttachMember, ReplaceProgram, SetMember, DetachMember, WatchLosses, RemoveTable, Tune>;

// For people and logs: "open port tap0 (slot 3, ifindex 12)".
std::string describe(const Action& action);

// The NIC an action is about, or 0: when a step for a NIC fails, the round skips that NIC's further steps.
uint32_t member_of(const Action& action);

// True if nothing later in the plan is safe when this action has failed.
bool failure_ends_round(const Action& action);

// What happened. `rows_done` says how far DeleteRows or SetRows came.
struct Outcome {
  Result<void> status;
  size_t rows_done = 0;
};

}  // namespace xdpfwd

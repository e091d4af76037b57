// SPDX-License-Identifier: BSD-2-Clause
// Loads our programs for one NIC or tracepoint and puts them there. Explains the kernel's refusals.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "core/state.h"
#include "kernel/maps.h"

namespace xdpfwd {

struct LoadedProgram {
  UniqueFd fd;
  uint32_t id = 0;
};

// Identifies the uplink program's object file: another build, another number.
uint64_t uplink_build();

// The program for this very member: its slot is built in, and the hint flavour is bound to its NIC.
Result<LoadedProgram> load_uplink(const Maps& maps, const Member& member);
// A link that runs the program on the member. It ends with its last descriptor or pin.
Result<UniqueFd> attach_uplink(const LoadedProgram& program, const Member& member);
Result<void> replace_uplink(const UniqueFd& link, const LoadedProgram& program, const Member& member);

// Starts counting losses, pinned; takes the place of another build's.
Result<void> watch_losses(const Pins& pins, const Maps& maps);
bool is_watching(const Pins& pins);

}  // namespace xdpfwd

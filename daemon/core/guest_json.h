// SPDX-License-Identifier: BSD-2-Clause
// A guest as a JSON object, the same in the state file and on the control socket:
//   {"name":"vm1","tap":"tap1","macs":["52:54:00:00:00:01"],"vlans":[100],"tpid":"802.1q","mode":"access"}
// and "profile" and "cpu" where the guest has its own. The values mean what the keys of [[guest]] mean; VLAN
// 0 is untagged.
#pragma once

#include "core/config.h"
#include "core/json_reader.h"

namespace xdpfwd {

Json to_json(const Guest& guest);

// Reads those fields, and leaves others to the caller. What is wrong is found in `reader.finish()`.
Guest read_guest(JsonReader& reader);

}  // namespace xdpfwd

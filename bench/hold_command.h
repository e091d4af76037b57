// SPDX-License-Identifier: BSD-2-Clause
// The command `hold`: one contender at work on devices that are there already, until it is told to stop. For
// the lab's guest, where the hypervisor is made by scripts.
#pragma once

#include <string>
#include <vector>

namespace xdpfwd::bench {

struct HoldRequest {
  std::string contender;
  std::vector<std::string> uplinks;
  std::vector<std::string> bridge_ports;  // empty = the uplinks
  unsigned guests = 1;                    // on tap0, tap1, ... with the MACs 52:54:00:00:00:00, ...:01, ...
  unsigned vlan = 100;
  std::string ready_file;
};

int hold_contender(const HoldRequest& request);

}  // namespace xdpfwd::bench

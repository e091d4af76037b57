// SPDX-License-Identifier: BSD-2-Clause
// A NIC's steering rules ("ethtool -n", "-N"), by ioctl: netlink has none. We write one kind: frames to a MAC
// address, optionally of a VLAN, to a queue, as mlx5 takes it; whatever else is there is told as a text that
// is no rule of ours.
#pragma once

#include <string>
#include <vector>

#include "core/setting.h"
#include "kernel/ethtool.h"

struct ethtool_rx_flow_spec;

namespace xdpfwd {

struct SteeringRules {
  uint32_t capacity = 0;                                // 0: the driver steers by none
  bool chooses_locations = false;                       // the driver, if asked to
  std::vector<std::pair<uint32_t, std::string>> rules;  // location, text; sorted
};

// A driver that lists rules and takes none (igb of an 82576) has no ntuple feature: its capacity is 0.
Result<SteeringRules> read_rules(Ethtool& ethtool, const InterfaceName& device);
// Empty if there is none.
Result<std::string> read_rule(Ethtool& ethtool, const InterfaceName& device, uint32_t location);
// An empty text takes the rule away. At kWholeDevice the driver chooses where.
Result<void> set_rule(Ethtool& ethtool, const InterfaceName& device, uint32_t location,
                      std::string_view text);

// Pure: the ioctl's rule, and what it is called.
Result<ethtool_rx_flow_spec> flow_of(const SteeringRule& rule, uint32_t location);
std::string text_of(const ethtool_rx_flow_spec& flow);

}  // namespace xdpfwd

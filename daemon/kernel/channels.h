// SPDX-License-Identifier: BSD-2-Clause
// How many channels and descriptors a NIC has, and how they are changed. Each change resets the NIC.
#pragma once

#include <string>

#include "kernel/ethtool_family.h"

namespace xdpfwd {

// The value is "4": combined channels, or as many for receiving as for sending where a driver counts them
// apart. Only what somebody else set apart is "rx 4 tx 2".
struct Channels {
  uint32_t max = 0;        // 0: their number cannot be set
  uint32_t receiving = 0;  // in use
  std::string value;
};

struct Rings {
  uint32_t max_rx = 0;  // 0: cannot be set
  uint32_t max_tx = 0;
  uint32_t rx = 0;
  uint32_t tx = 0;
};

Result<Channels> read_channels(EthtoolFamily& ethtool, uint32_t ifindex);
Result<void> set_channels(EthtoolFamily& ethtool, uint32_t ifindex, std::string_view value);

Result<Rings> read_rings(EthtoolFamily& ethtool, uint32_t ifindex);
Result<void> set_rx_ring(EthtoolFamily& ethtool, uint32_t ifindex, uint32_t descriptors);
Result<void> set_tx_ring(EthtoolFamily& ethtool, uint32_t ifindex, uint32_t descriptors);

// Pure: what a driver's answer means.
Channels channels_of(const EthtoolNumbers& answer);
Rings rings_of(const EthtoolNumbers& answer);

}  // namespace xdpfwd

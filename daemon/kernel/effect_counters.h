// SPDX-License-Identifier: BSD-2-Clause
// Counters that the kernel and drivers keep anyway: interrupts, softnet_stat, and a driver's own per queue.
#pragma once

#include <string_view>
#include <vector>

#include "core/effect.h"
#include "kernel/ethtool.h"

namespace xdpfwd {

// The text of /proc/interrupts: those with a number, summed over CPUs.
std::vector<InterruptCount> parse_interrupt_counts(std::string_view text);

struct SoftnetCounts {
  uint64_t dropped = 0;
  uint64_t squeezed = 0;
};
// The text of /proc/net/softnet_stat: hexadecimal columns, a line for each CPU.
SoftnetCounts parse_softnet(std::string_view text);

// The queue whose received packets a driver counts under this name; nothing for any other counter. Names that
// drivers give: rx_queue_3_packets (igb, ixgbe, virtio_net), rx3_packets (mlx5), rx-3.packets (i40e, ice),
// rx_queue_3_xdp_packets (veth).
std::optional<uint32_t> queue_of_counter(std::string_view name);

// By `ethtool -S`; empty where the driver counts nothing per queue.
std::vector<QueueCount> read_queue_counts(Ethtool& ethtool, uint32_t ifindex, const InterfaceName& device);

}  // namespace xdpfwd

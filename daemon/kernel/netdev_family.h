// SPDX-License-Identifier: BSD-2-Clause
// The generic netlink family "netdev" (kernel 6.3 and later): what a driver's XDP can do.
#pragma once

#include "kernel/netlink.h"

namespace xdpfwd {

class NetdevFamily {
 public:
  // Succeeds on kernels without the family too: then no device has anything.
  static Result<NetdevFamily> open();
  // The driver gives XDP programs the VLAN tag (bpf_xdp_metadata_rx_vlan_tag; 6.8 and later).
  bool has_vlan_hint(uint32_t ifindex);

 private:
  NetdevFamily(NetlinkSocket socket, uint16_t family) : socket_(std::move(socket)), family_(family) {}
  NetlinkSocket socket_;
  uint16_t family_;  // 0 = the kernel has none
};

}  // namespace xdpfwd

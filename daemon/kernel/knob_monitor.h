// SPDX-License-Identifier: BSD-2-Clause
// Says when somebody set a knob that the kernel tells of: features, channels, rings and coalescing of a NIC
// (ethtool's "monitor" group, kernel 5.6 and later, whether by ioctl or netlink), and qdiscs. Never what, as
// LinkMonitor. It hears our own changes too: what they lead to is one more look that finds nothing to do.
//
// Nobody tells of steering rules and of one queue's coalescing (ioctls without a notification as of 6.18), of
// packet steering, interrupts and sysctls (files): those are found by the next look, whatever leads to it.
#pragma once

#include <array>

#include "kernel/netlink.h"

namespace xdpfwd {

class KnobMonitor {
 public:
  // Succeeds on a kernel that tells less.
  static Result<KnobMonitor> open();
  // To be watched, each.
  [[nodiscard]] std::array<int, 2> fds() const { return {ethtool_.fd(), qdiscs_.fd()}; }
  // True if something changed since the last call.
  bool changed();

 private:
  KnobMonitor(NetlinkSocket ethtool, NetlinkSocket qdiscs)
      : ethtool_(std::move(ethtool)), qdiscs_(std::move(qdiscs)) {}
  NetlinkSocket ethtool_;
  NetlinkSocket qdiscs_;
};

}  // namespace xdpfwd

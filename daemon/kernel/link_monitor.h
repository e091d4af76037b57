// SPDX-License-Identifier: BSD-2-Clause
// Says when some interface changed. Never what: state is never taken from a message (a tap's first message
// after an attach still says "no carrier"), only from a new observation.
#pragma once

#include <linux/rtnetlink.h>

#include "kernel/netlink.h"

namespace xdpfwd {

class LinkMonitor {
 public:
  static Result<LinkMonitor> open() {
    auto socket = NetlinkSocket::open(NETLINK_ROUTE);
    if (!socket) return std::unexpected(socket.error());
    if (auto joined = socket->join(RTNLGRP_LINK); !joined) return std::unexpected(joined.error());
    return LinkMonitor(std::move(*socket));
  }
  [[nodiscard]] int fd() const { return socket_.fd(); }
  // True if something changed since the last call.
  bool changed() { return socket_.drain(); }

 private:
  explicit LinkMonitor(NetlinkSocket socket) : socket_(std::move(socket)) {}
  NetlinkSocket socket_;
};

}  // namespace xdpfwd

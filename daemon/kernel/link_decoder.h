// SPDX-License-Identifier: BSD-2-Clause
// Bytes of an RTM_NEWLINK message -> Link. Pure; tested on bytes recorded from kernels, and fuzzed.
#pragma once

#include <linux/netlink.h>

#include <optional>

#include "core/state.h"

namespace xdpfwd {

enum class XdpAttached { kNone, kNative, kGeneric, kOther };

struct DecodedLink {
  Link link;
  XdpAttached xdp = XdpAttached::kNone;
  uint32_t tx_queue_len = 0;
  bool packet_info = false;  // a tap whose frames begin with a header of its own (no IFF_NO_PI)
};

// Nothing if the message is not a well-formed RTM_NEWLINK with a name. The message's length must be trusted
// to lie within its buffer (mnl_nlmsg_ok).
std::optional<DecodedLink> decode_link(const nlmsghdr& message);

}  // namespace xdpfwd

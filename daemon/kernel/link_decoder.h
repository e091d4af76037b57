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
};

// Nothing if the message is not a well-formed RTM_NEWLINK with a name. The message's length must be trusted
// to lie within its buffer (mnl_nlmsg_ok).
std::optional<DecodedLink> decode_link(const nlmsghdr& message);

}  // namespace xdpfwd

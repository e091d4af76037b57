// SPDX-License-Identifier: BSD-2-Clause
// The qdisc at a device's root, by rtnetlink. We write two: "noqueue", and what the kernel attaches by
// itself.
//
// A qdisc that the kernel attached has no handle; one that somebody configured has, perhaps with parameters
// and classes that we could not put back, and reads with it: "fq_codel 8001:". noqueue has neither parameters
// nor classes, so with a handle (which the kernel gives it when we set it) it is the same and reads
// "noqueue". A device that was never up has "noop", for which nobody has asked.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "kernel/netlink.h"

namespace xdpfwd {

inline constexpr std::string_view kNoQueue = "noqueue";
inline constexpr std::string_view kNoQdiscYet = "noop";

struct RootQdisc {
  uint32_t ifindex = 0;
  std::string value;
};

// By ifindex, of every device, in one dump. A device without an entry has none yet: "noop".
Result<std::unordered_map<uint32_t, std::string>> read_qdiscs(NetlinkSocket& route);
Result<std::string> read_qdisc(NetlinkSocket& route, uint32_t ifindex);
// "noqueue" puts it there. Anything else goes back to the kernel's default, which the caller holds against
// what it wanted ("noop" wants the default, whatever it is); a text with a handle is refused.
Result<void> set_qdisc(NetlinkSocket& route, uint32_t ifindex, std::string_view value);

// Pure. Nothing if the message is no RTM_NEWQDISC of a root. Its length must be trusted to lie within its
// buffer (mnl_nlmsg_ok).
std::optional<RootQdisc> decode_qdisc(const nlmsghdr& message);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/knob_monitor.h"

#include <arpa/inet.h>
#include <linux/ethtool_netlink.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstddef>

#include "kernel/generic_family.h"

namespace xdpfwd {
namespace {

// The group tells of filters and actions as well, of which Open vSwitch's offload changes thousands. A packet
// filter loads in network byte order.
Result<void> only_qdiscs(const NetlinkSocket& socket) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_ABS | BPF_H, offsetof(nlmsghdr, nlmsg_type)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWQDISC), 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELQDISC), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog program{.len = std::size(code), .filter = code};
  if (setsockopt(socket.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
    return fail_errno("cannot listen to qdiscs alone", errno);
  return {};
}

}  // namespace

Result<KnobMonitor> KnobMonitor::open() {
  auto ethtool = NetlinkSocket::open(NETLINK_GENERIC);
  if (!ethtool) return std::unexpected(ethtool.error());
  const auto family = GenericFamily::open(ETHTOOL_GENL_NAME);
  if (!family) return std::unexpected(family.error());
  if (const uint32_t group = family->group(ETHTOOL_MCGRP_MONITOR_NAME); group != 0)
    if (auto joined = ethtool->join(group); !joined) return std::unexpected(joined.error());
  auto qdiscs = NetlinkSocket::open(NETLINK_ROUTE);
  if (!qdiscs) return std::unexpected(qdiscs.error());
  if (auto filtered = only_qdiscs(*qdiscs); !filtered) return std::unexpected(filtered.error());
  if (auto joined = qdiscs->join(RTNLGRP_TC); !joined) return std::unexpected(joined.error());
  return KnobMonitor(std::move(*ethtool), std::move(*qdiscs));
}

bool KnobMonitor::changed() {
  const bool ethtool = ethtool_.drain();
  return qdiscs_.drain() || ethtool;
}

}  // namespace xdpfwd

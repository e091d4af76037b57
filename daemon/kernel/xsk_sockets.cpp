// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/xsk_sockets.h"

#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <linux/xdp_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "kernel/attributes.h"
#include "kernel/netlink.h"

namespace xdpfwd {

std::optional<XskSocket> decode_xsk_socket(const nlmsghdr& message) {
  if (message.nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(&message) < sizeof(xdp_diag_msg))
    return std::nullopt;
  XskSocket socket;
  for (const nlattr* attribute : Attributes::of(message, sizeof(xdp_diag_msg))) {
    const size_t length = mnl_attr_get_payload_len(attribute);
    if (mnl_attr_get_type(attribute) == XDP_DIAG_INFO && length >= sizeof(xdp_diag_info)) {
      xdp_diag_info info{};
      std::memcpy(&info, mnl_attr_get_payload(attribute), sizeof(info));
      socket.ifindex = info.ifindex;
      socket.queue = info.queue_id;
    } else if (mnl_attr_get_type(attribute) == XDP_DIAG_UMEM && length >= sizeof(xdp_diag_umem)) {
      xdp_diag_umem umem{};
      std::memcpy(&umem, mnl_attr_get_payload(attribute), sizeof(umem));
      socket.zero_copy = (umem.flags & XDP_DU_F_ZEROCOPY) != 0;
    }
  }
  return socket.ifindex == 0 ? std::nullopt : std::optional(socket);
}

// "XDP       1088      0      -1   NI       0   no   kernel ..." is the name, a size, and the sockets.
int64_t count_xsk_sockets(std::string_view protocols) {
  const size_t at = protocols.starts_with("XDP ") ? 0 : protocols.find("\nXDP ");
  if (at == std::string_view::npos) return 0;
  std::string_view rest = protocols.substr(protocols.find("XDP ", at));
  for (int field = 0; field < 2; ++field) {
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  }
  int64_t count = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), count);
  return count;
}

std::optional<std::vector<XskSocket>> find_xsk_sockets(const HostRoots& roots) {
  std::vector<XskSocket> sockets;
  if (const auto protocols = read_host_file(roots.proc + "/net/protocols");
      protocols && count_xsk_sockets(*protocols) == 0)
    return sockets;
  auto diag = NetlinkSocket::open(NETLINK_SOCK_DIAG);
  if (!diag) return std::nullopt;
  NetlinkRequest request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
  auto* asked = request.family_header<xdp_diag_req>();
  asked->sdiag_family = AF_XDP;
  asked->xdiag_show = XDP_SHOW_INFO | XDP_SHOW_UMEM;
  const auto told = diag->transact(request, [&](const nlmsghdr& message) {
    if (const auto socket = decode_xsk_socket(message)) sockets.push_back(*socket);
  });
  if (!told) return std::nullopt;
  return sockets;
}

}  // namespace xdpfwd

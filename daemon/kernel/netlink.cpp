// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/netlink.h"

#include <sys/socket.h>

#include <string_view>

#include "kernel/attributes.h"

namespace xdpfwd {
namespace {

// What the kernel says about its refusal, in words; needs NETLINK_EXT_ACK. The text follows the request's
// header (NETLINK_CAP_ACK leaves the request itself out), or a dump's error value.
std::string said_by_kernel(const nlmsghdr& message, size_t header_size) {
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  for (const nlattr* attribute : Attributes::of(message, header_size)) {
    if (mnl_attr_get_type(attribute) != NLMSGERR_ATTR_MSG) continue;
    const std::string_view text(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                                mnl_attr_get_payload_len(attribute));
    return std::string(text.substr(0, text.find('\0')));
  }
  return {};
}

// The kernel sends errno values negative; 0 is an acknowledgement.
Result<void> outcome(int error, const nlmsghdr& message, size_t header_size) {
  if (error == 0) return {};
  const std::string words = said_by_kernel(message, header_size);
  return fail_errno(words.empty() ? "the kernel refused a netlink request"
                                  : "the kernel refused a netlink request (\"" + words + "\")",
                    -error);
}

}  // namespace

NetlinkRequest::NetlinkRequest(uint16_t type, uint16_t flags) : buffer_(1024) {
  nlmsghdr* header = mnl_nlmsg_put_header(buffer_.data());
  header->nlmsg_type = type;
  header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
}

Result<NetlinkSocket> NetlinkSocket::open(int bus) {
  mnl_socket* socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
  if (!socket) return fail_errno("cannot open a netlink socket", errno);
  NetlinkSocket opened(socket);
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
    return fail_errno("cannot bind a netlink socket", errno);
  // Refusals in words, and without the request in them. A kernel that cannot refuses without words.
  int on = 1;
  (void)mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof(on));
  (void)mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
  return opened;
}

Result<void> NetlinkSocket::transact(NetlinkRequest& request, const OnMessage& on_message) {
  nlmsghdr* header = request.header();
  header->nlmsg_seq = ++sequence_;
  const bool dump = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  if (!dump) header->nlmsg_flags |= NLM_F_ACK;
  if (mnl_socket_sendto(socket_.get(), header, header->nlmsg_len) < 0)
    return fail_errno("cannot send a netlink request", errno);
  bool interrupted = false;
  for (;;) {
    const ssize_t received = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (received < 0) {
      if (errno == EINTR) continue;
      return fail_errno("cannot read a netlink answer", errno);
    }
    int rest = static_cast<int>(received);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(message, rest);
         message = mnl_nlmsg_next(message, &rest)) {
      if (message->nlmsg_seq != sequence_) continue;  // the answer to a request that failed half-way
      if (message->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
      if (message->nlmsg_type == NLMSG_DONE) {
        // A dump that fails half-way says so at its end.
        if (mnl_nlmsg_get_payload_len(message) >= sizeof(int))
          if (auto ended =
                  outcome(*static_cast<const int*>(mnl_nlmsg_get_payload(message)), *message, sizeof(int));
              !ended)
            return ended;
        if (interrupted) return fail_errno("the list changed while it was read", EINTR);
        return {};
      }
      if (message->nlmsg_type == NLMSG_ERROR) {
        if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr))
          return fail("a netlink error is too short");
        return outcome(static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error, *message,
                       sizeof(nlmsgerr));
      }
      on_message(*message);
    }
  }
}

Result<void> NetlinkSocket::join(uint32_t group) {
  if (mnl_socket_setsockopt(socket_.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
    return fail_errno("cannot listen to what the kernel tells", errno);
  return {};
}

bool NetlinkSocket::drain() {
  bool any = false;
  for (;;) {
    const ssize_t received = recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    // ENOBUFS: messages were lost, all the more reason to look.
    if (received > 0 || (received < 0 && errno == ENOBUFS)) {
      any = true;
    } else if (received >= 0 || errno != EINTR) {
      return any;
    }
  }
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Moves netlink messages: one request, its answers, its errors. Knows no message's meaning; that is the
// decoders' work (link_decoder.h).
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"

namespace xdpfwd {

// A request being laid out: header, family header, attributes.
class NetlinkRequest {
 public:
  NetlinkRequest(uint16_t type, uint16_t flags);
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }
  template <typename T>
  T* family_header() {
    return static_cast<T*>(mnl_nlmsg_put_extra_header(header(), sizeof(T)));
  }

 private:
  std::vector<char> buffer_;
};

class NetlinkSocket {
 public:
  using OnMessage = std::function<void(const nlmsghdr&)>;

  // `bus` is NETLINK_ROUTE or NETLINK_GENERIC.
  static Result<NetlinkSocket> open(int bus);
  // Sends, then hands every answer to `on_message`. A dump that the kernel interrupted fails with EINTR.
  Result<void> transact(NetlinkRequest& request, const OnMessage& on_message);
  Result<void> join(uint32_t group);
  [[nodiscard]] int fd() const { return mnl_socket_get_fd(socket_.get()); }
  // Reads away what is queued without blocking. True if there was something, or if something was lost.
  bool drain();

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  explicit NetlinkSocket(mnl_socket* socket) : socket_(socket), buffer_(kBufferSize) {}

  static constexpr size_t kBufferSize = 1 << 16;
  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<char> buffer_;
  uint32_t sequence_ = 0;
};

}  // namespace xdpfwd

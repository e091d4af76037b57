// SPDX-License-Identifier: BSD-2-Clause
#include "support/varlink_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace xdpfwd {

VarlinkTestClient::VarlinkTestClient(const std::string& path)
    : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) fd_.reset();
}

bool VarlinkTestClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

void VarlinkTestClient::end_of_input() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void VarlinkTestClient::limit_receive_buffer(int bytes) {
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

bool VarlinkTestClient::read_some(std::chrono::steady_clock::time_point until) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, static_cast<int>(std::max<int64_t>(0, left.count()))) <= 0) return false;
  std::array<char, 65536> buffer;
  const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) {
    closed_ = true;
    return false;
  }
  in_.append(buffer.data(), static_cast<size_t>(got));
  return true;
}

std::optional<Reply> VarlinkTestClient::reply(std::chrono::milliseconds within) {
  const auto until = std::chrono::steady_clock::now() + within;
  size_t end = 0;
  while ((end = in_.find('\0')) == std::string::npos)
    if (!read_some(until)) return std::nullopt;
  auto reply = parse_reply(std::string_view(in_).substr(0, end));
  in_.erase(0, end + 1);
  if (!reply) return Reply{"no varlink reply: " + reply.error().message, Json::object(), false};
  return std::move(*reply);
}

bool VarlinkTestClient::closed_within(std::chrono::milliseconds within) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (!closed_ && read_some(until)) in_.clear();
  return closed_;
}

}  // namespace xdpfwd

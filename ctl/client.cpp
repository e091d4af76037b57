// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>

namespace xdpfwd {
namespace {

std::unexpected<AskError> unreachable(std::string message, std::string remedy, int code) {
  return std::unexpected(AskError{{std::move(message), std::move(remedy), code}, true});
}

std::string remedy_for(int code, const std::string& socket) {
  switch (code) {
    case EACCES:
    case EPERM:
      return "be root or a member of the socket's group: ls -l " + socket;
    case ENOENT:
    case ECONNREFUSED:
      return "is xdpfwd running? 'systemctl start xdpfwd' starts it; --socket names another socket "
             "(control.socket)";
    default:
      return "see 'systemctl status xdpfwd'";
  }
}

std::unexpected<AskError> silent(const std::string& socket, std::chrono::milliseconds patience) {
  return unreachable(
      fmt::format("xdpfwd at {} did not answer within {} s", socket,
                  static_cast<double>(patience.count()) / 1000),
      "it is busy, stopped or stuck: try again, and see 'systemctl status xdpfwd'; forwarding goes on",
      ETIMEDOUT);
}

}  // namespace

Asked<Client> Client::connect(const std::string& socket, std::chrono::milliseconds patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof(address.sun_path))
    return unreachable(fmt::format("'{}' is no path of a socket", socket),
                       fmt::format("name one of 1 to {} bytes", sizeof(address.sun_path) - 1), ENAMETOOLONG);
  socket.copy(address.sun_path, socket.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return unreachable(fmt::format("cannot make a socket: {}", std::strerror(errno)), "", errno);
  const timeval time{.tv_sec = patience.count() / 1000, .tv_usec = patience.count() % 1000 * 1000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int code = errno;
    if (code == EAGAIN) return silent(socket, patience);
    return unreachable(fmt::format("cannot reach xdpfwd at {}: {}", socket, std::strerror(code)),
                       remedy_for(code, socket), code);
  }
  return Client(std::move(fd), socket, patience);
}

std::unexpected<AskError> Client::gone(int code) const {
  if (code == EAGAIN) return silent(socket_, patience_);
  return unreachable(fmt::format("xdpfwd at {} ended the connection{}", socket_,
                                 code ? fmt::format(": {}", std::strerror(code)) : ""),
                     "was it stopped? see 'systemctl status xdpfwd'", code);
}

Asked<void> Client::send(const Call& call) {
  const std::string message = write_call(call) + '\0';
  std::string_view left = message;
  while (!left.empty()) {
    const ssize_t put = ::send(fd_.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    // Who refuses a connection says why before closing it: the reason is read next.
    if (put < 0 && (errno == EPIPE || errno == ECONNRESET)) return {};
    if (put < 0) return gone(errno);
    left.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

Asked<Reply> Client::receive() {
  size_t scanned = 0;
  size_t end = 0;
  while ((end = in_.find('\0', scanned)) == std::string::npos) {
    scanned = in_.size();
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return gone(got < 0 ? errno : 0);
    in_.append(buffer.data(), static_cast<size_t>(got));
  }
  auto reply = parse_reply(std::string_view(in_).substr(0, end));
  in_.erase(0, end + 1);
  if (!reply)
    return unreachable(fmt::format("what answers at {} is not xdpfwd: {}", socket_, reply.error().message),
                       "--socket names another socket", EPROTO);
  if (!reply->error.empty()) return std::unexpected(AskError{error_of(*reply), false});
  return std::move(*reply);
}

Asked<Json> Client::ask(std::string_view method, Json parameters) {
  if (auto sent = send({fmt::format("{}.{}", kControlInterface, method), std::move(parameters)}); !sent)
    return std::unexpected(std::move(sent).error());
  auto reply = receive();
  if (!reply) return std::unexpected(std::move(reply).error());
  return std::move(reply->parameters);
}

Asked<void> Client::ask_more(std::string_view method, const std::function<Result<void>(const Json&)>& each) {
  if (auto sent = send({fmt::format("{}.{}", kControlInterface, method), Json::object(), true}); !sent)
    return sent;
  for (;;) {
    auto reply = receive();
    if (!reply) return std::unexpected(std::move(reply).error());
    if (auto done = each(reply->parameters); !done)
      return std::unexpected(AskError{std::move(done).error(), false});
    if (!reply->continues) return {};
  }
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/irqbalance.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "base/unique_fd.h"
#include "core/setting.h"

namespace xdpfwd {
namespace {

constexpr std::string_view kName = "irqbalance";
constexpr size_t kLargestAnswer = 1UL << 20;
constexpr size_t kLargestTable = 16UL << 20;
constexpr size_t kMostSockets = 16;
// It answers between its rounds; one that hangs, or says a byte now and then, must not hold us up. For all
// sockets that are tried together.
constexpr std::chrono::milliseconds kPatience{500};
using Deadline = std::chrono::steady_clock::time_point;

bool is_socket_name(std::string_view name) {
  return name.starts_with(kName) && name.ends_with(".sock");
}

// Anybody may listen at an abstract name that looks like irqbalance's.
Result<void> is_trusted(int fd) {
  ucred peer{};
  socklen_t length = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
    return fail_errno("cannot ask who listens", errno);
  if (peer.uid != 0 && peer.uid != ::geteuid())
    return fail(fmt::format("user {} listens there, and irqbalance runs as root", peer.uid), {}, EPERM);
  return {};
}

// A path, or '@' and an abstract name. It never waits: where too many wait already, it fails.
Result<UniqueFd> connect_to(const std::string& name) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("cannot open a socket for irqbalance", errno);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof(address.sun_path)) return fail_errno(name, ENAMETOOLONG);
  std::memcpy(address.sun_path, name.data(), name.size());
  const bool abstract = name.starts_with('@');
  // The table shows the zero bytes of an abstract name so.
  if (abstract) std::ranges::replace(address.sun_path, '@', '\0');
  const size_t length = offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)) < 0)
    return fail_errno(fmt::format("cannot connect to {}", name), errno);
  if (auto trusted = is_trusted(fd.get()); !trusted) return fail_in(name, std::move(trusted).error());
  return fd;
}

// With who we are: it obeys root only.
Result<void> send_with_credentials(int fd, std::string_view text) {
  iovec data{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_CREDENTIALS;
  header->cmsg_len = CMSG_LEN(sizeof(ucred));
  const ucred who{.pid = ::getpid(), .uid = ::geteuid(), .gid = ::getegid()};
  std::memcpy(CMSG_DATA(header), &who, sizeof(who));
  if (::sendmsg(fd, &message, MSG_NOSIGNAL) < 0) return fail_errno("cannot tell irqbalance", errno);
  return {};
}

// Until there is something to read, or the end.
Result<void> wait_for(int fd, Deadline deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd poll{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&poll, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready == 0) return fail_errno("irqbalance does not answer in time", EAGAIN);
    if (errno != EINTR) return fail_errno("cannot wait for irqbalance", errno);
  }
}

// It closes when it has done what it was told, and said what it was asked.
Result<std::string> read_to_end(int fd, Deadline deadline) {
  std::string answer;
  char chunk[4096];
  for (;;) {
    if (auto ready = wait_for(fd, deadline); !ready) return std::unexpected(std::move(ready).error());
    const ssize_t got = ::recv(fd, chunk, sizeof(chunk), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_errno("irqbalance does not answer", errno);
    if (got == 0) return answer;
    answer.append(chunk, static_cast<size_t>(got));
    if (answer.size() > kLargestAnswer) return fail_errno("irqbalance says too much", EFBIG);
  }
}

Result<std::string> converse(const std::string& socket, const std::string& command, Deadline deadline) {
  const auto fd = connect_to(socket);
  if (!fd) return std::unexpected(fd.error());
  if (auto sent = send_with_credentials(fd->get(), command); !sent) return std::unexpected(sent.error());
  return read_to_end(fd->get(), deadline);
}

// The file is where it usually is; where irqbalance could not make it, it takes an abstract name.
std::vector<std::string> find_sockets(const HostRoots& roots) {
  std::vector<std::string> sockets;
  std::error_code error;
  for (std::filesystem::directory_iterator at(roots.run + "/irqbalance", error), end;
       !error && at != end && sockets.size() < kMostSockets; at.increment(error))
    if (is_socket_name(at->path().filename().string())) sockets.push_back(at->path().string());
  if (const auto table = read_host_file(roots.proc + "/net/unix", kLargestTable))
    for (std::string& name : find_abstract_sockets(*table)) sockets.push_back(std::move(name));
  return sockets;
}

}  // namespace

std::vector<uint32_t> parse_banned(std::string_view answer) {
  constexpr std::string_view kBefore = "IRQ ";
  std::vector<uint32_t> banned;
  for (size_t at = answer.find(kBefore); at != std::string_view::npos; at = answer.find(kBefore, at + 1)) {
    uint32_t number = 0;
    const char* first = answer.data() + at + kBefore.size();
    if (std::from_chars(first, answer.data() + answer.size(), number).ec == std::errc())
      banned.push_back(number);
  }
  std::ranges::sort(banned);
  banned.erase(std::ranges::unique(banned).begin(), banned.end());
  return banned;
}

Result<std::string> ban_command(const std::vector<uint32_t>& interrupts) {
  std::string command(kBanCommand);
  for (const uint32_t interrupt : interrupts) command += fmt::format(" {}", interrupt);
  if (interrupts.empty()) command += " NONE";
  if (command.size() > kLongestBanCommand)
    return fail(fmt::format("irqbalance takes no list of {} interrupts at once", interrupts.size()),
                "ban the driver: start irqbalance with --banmod=DRIVER, or stop irqbalance", E2BIG);
  return command;
}

std::vector<std::string> find_abstract_sockets(std::string_view text) {
  std::vector<std::string> sockets;
  for (size_t at = text.find('@'); at != std::string_view::npos && sockets.size() < kMostSockets;
       at = text.find('@', at + 1)) {
    std::string_view name = text.substr(at, text.find('\n', at) - at);
    // A name that was bound with its whole buffer shows the rest of it as further '@'.
    name = name.substr(0, name.find_last_not_of('@') + 1);
    if (at > 0 && text[at - 1] == ' ' && name.size() > 1 && is_socket_name(name.substr(1)))
      sockets.emplace_back(text.substr(at, text.find('\n', at) - at));
  }
  return sockets;
}

Result<std::string> Irqbalance::ask(const std::string& command) {
  const Deadline deadline = std::chrono::steady_clock::now() + kPatience;
  if (!socket_.empty()) {
    auto answer = converse(socket_, command, deadline);
    // One that hangs is not asked twice in a row: another look takes time again.
    if (answer || answer.error().code == EAGAIN) return answer;
  }
  socket_.clear();
  for (const std::string& socket : find_sockets(roots_)) {
    auto answer = converse(socket, command, deadline);
    if (!answer) continue;
    socket_ = socket;
    return answer;
  }
  return fail("irqbalance does not run, or does not answer", {}, ENOENT);
}

Result<std::vector<uint32_t>> Irqbalance::banned() {
  const auto answer = ask("setup");
  if (!answer) return std::unexpected(answer.error());
  return parse_banned(*answer);
}

Result<void> Irqbalance::set_banned(uint32_t interrupt, bool ban) {
  auto list = banned();
  if (!list) return std::unexpected(list.error());
  const auto at = std::ranges::lower_bound(*list, interrupt);
  const bool there = at != list->end() && *at == interrupt;
  if (there == ban) return {};
  if (ban)
    list->insert(at, interrupt);
  else
    list->erase(at);
  const auto command = ban_command(*list);
  if (!command) return std::unexpected(command.error());
  const auto told = ask(*command);
  if (!told) return std::unexpected(told.error());
  return {};
}

}  // namespace xdpfwd

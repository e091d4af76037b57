// SPDX-License-Identifier: BSD-2-Clause
#include "shell/varlink_connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace xdpfwd {
namespace {

// Requests and replies in one turn, so that one busy client leaves time for the others.
constexpr int kStepsPerTurn = 4;
constexpr size_t kReadBytes = 16 * 1024;

Reply too_long(size_t limit) {
  return error_reply(kBadRequest, fmt::format("the request is longer than {} bytes", limit),
                     "send less in one call");
}

}  // namespace

VarlinkConnection::VarlinkConnection(UniqueFd fd, Peer peer, const VarlinkLimits& limits,
                                     const VarlinkHandler& handler)
    : fd_(std::move(fd)), peer_(peer), limits_(limits), handler_(handler) {
  become_idle();
}

void VarlinkConnection::refuse(const Reply& why) {
  end_with(why);
}

bool VarlinkConnection::over(std::string why) {
  why_over_ = std::move(why);
  return false;
}

bool VarlinkConnection::wants_read() const {
  if (end_of_input_) return false;
  // While a reply is under way nothing is read: what a client sends ahead waits in its own socket buffer.
  if (phase_ == Phase::kReply || phase_ == Phase::kWaiting) return false;
  return phase_ == Phase::kDraining || !has_request();
}

bool VarlinkConnection::wants_write() const {
  return phase_ != Phase::kWaiting && (has_output() || replies_ || (has_request() && !ending_));
}

bool VarlinkConnection::advance() {
  // First what the socket has: when the daemon was busy, the client is not the one who is late.
  if (!work()) return false;
  return Clock::now() < deadline_ || on_deadline();
}

bool VarlinkConnection::work() {
  for (int step = 0; step < kStepsPerTurn; ++step) {
    if (phase_ == Phase::kWaiting) {
      if (hung_up()) return over({});
      if (Clock::now() < deadline_) return true;
      phase_ = Phase::kReply;
      deadline_ = Clock::now() + limits_.reply;
    }
    if (!write_some()) return false;
    if (has_output()) return true;
    if (ending_) {
      // Closing with unread input would make the kernel throw away what the client has not read yet.
      if (!shut_) ::shutdown(fd_.get(), SHUT_WR);
      shut_ = true;
      if (!read_some()) return false;
      return end_of_input_ ? over({}) : true;
    }
    if (replies_) {
      ask_for_reply();
      continue;
    }
    if (!has_request() && !read_some()) return false;
    if (has_request()) {
      take_request();
      continue;
    }
    settle();
    if (end_of_input_) return over(in_.empty() ? "" : "it went away within a request");
    if (in_.size() > limits_.request_bytes) {
      end_with(too_long(limits_.request_bytes));
      continue;
    }
    return true;
  }
  return true;
}

bool VarlinkConnection::on_deadline() {
  switch (phase_) {
    case Phase::kIdle:
      return over("it was idle for too long");
    case Phase::kRequest:
      return over("it did not finish its request in time");
    case Phase::kReply:
      return over("it did not read its reply in time");
    case Phase::kWaiting:
      return true;  // its time came just now: the next turn asks for the reply
    case Phase::kDraining:
      return over("it went on sending after it was refused");
  }
  return false;
}

// One read for each turn; false when the connection is over.
bool VarlinkConnection::read_some() {
  if (end_of_input_) return true;
  std::array<char, kReadBytes> buffer;
  const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return true;
    return over(fmt::format("cannot read from it: {}", std::strerror(errno)));
  }
  if (got == 0) end_of_input_ = true;
  if (phase_ == Phase::kDraining) return true;
  in_.append(buffer.data(), static_cast<size_t>(got));
  request_end_ = in_.find('\0', scanned_);
  scanned_ = has_request() ? request_end_ : in_.size();
  return true;
}

bool VarlinkConnection::write_some() {
  while (has_output()) {
    const ssize_t put =
        ::send(fd_.get(), out_.data() + written_, out_.size() - written_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return true;
      // It went away without waiting for its reply; that is its right.
      return over(errno == EPIPE || errno == ECONNRESET
                      ? ""
                      : fmt::format("cannot write to it: {}", std::strerror(errno)));
    }
    written_ += static_cast<size_t>(put);
  }
  if (out_.empty()) return true;
  out_ = {};  // gives the memory back: the next reply may be small
  written_ = 0;
  if (phase_ == Phase::kReply && !replies_) become_idle();
  return true;
}

void VarlinkConnection::become_idle() {
  phase_ = Phase::kIdle;
  idle_since_ = Clock::now();
  deadline_ = idle_since_ + limits_.idle;
}

// After reading: is a request under way, and since when?
void VarlinkConnection::settle() {
  if (phase_ == Phase::kIdle && !in_.empty()) {
    phase_ = Phase::kRequest;
    deadline_ = Clock::now() + limits_.request;
  }
}

void VarlinkConnection::take_request() {
  if (request_end_ > limits_.request_bytes) return end_with(too_long(limits_.request_bytes));
  const auto call = parse_call(std::string_view(in_).substr(0, request_end_));
  in_.erase(0, request_end_ + 1);
  request_end_ = in_.find('\0');
  scanned_ = has_request() ? request_end_ : in_.size();
  if (!call) {
    end_with(error_reply(kBadRequest, fmt::format("this is not a varlink call: {}", call.error().message),
                         "send a JSON object with 'method' and 'parameters', ended by a NUL byte"));
    return;
  }
  ReplySource replies = handler_(*call, peer_);
  if (call->oneway) return become_idle();
  replies_ = std::move(replies);
  phase_ = Phase::kReply;
  deadline_ = Clock::now() + limits_.reply;
}

// Both directions are closed. A client that only has nothing more to ask waits for its reply.
bool VarlinkConnection::hung_up() const {
  pollfd socket{.fd = fd_.get(), .events = 0, .revents = 0};
  return ::poll(&socket, 1, 0) == 1 && (socket.revents & (POLLHUP | POLLERR)) != 0;
}

void VarlinkConnection::ask_for_reply() {
  const Reply reply = replies_();
  if (!reply.wait_ms) return start_reply(reply);
  phase_ = Phase::kWaiting;
  deadline_ = Clock::now() + std::chrono::milliseconds(*reply.wait_ms);
}

void VarlinkConnection::start_reply(const Reply& reply) {
  out_ = write_reply(reply);
  out_ += '\0';
  written_ = 0;
  if (!reply.continues) replies_ = nullptr;
  deadline_ = Clock::now() + limits_.reply;
}

void VarlinkConnection::end_with(const Reply& why) {
  start_reply(why);
  replies_ = nullptr;
  in_ = {};
  scanned_ = 0;
  request_end_ = std::string::npos;
  ending_ = true;
  phase_ = Phase::kDraining;
  deadline_ = Clock::now() + limits_.request;
}

}  // namespace xdpfwd

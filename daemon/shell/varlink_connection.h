// SPDX-License-Identifier: BSD-2-Clause
// One client of the control socket: takes calls out of the bytes, and writes replies no faster than they are
// read. It holds at most one request and one reply, and says when it wants to be woken; waiting for the
// socket and the clock is left to the server. Errors that are the client's end the connection, nothing else.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "core/protocol.h"
#include "shell/varlink_peer.h"

namespace xdpfwd {

// Produces the replies to one call, one each time it is called, as the client reads them; the last one does
// not continue. It may ask to be called later (Reply::wait_ms). It is destroyed when the client goes away:
// what it holds meanwhile goes with it.
using ReplySource = std::function<Reply()>;
// Does what the call asks, and gives the replies.
using VarlinkHandler = std::function<ReplySource(const Call&, const Peer&)>;

struct VarlinkLimits {
  size_t clients = 64;
  size_t for_root = 8;      // of them, places that only root takes
  size_t of_one_user = 32;  // places that one user takes at most; root may take all
  size_t request_bytes = 1 << 20;
  std::chrono::milliseconds request{5'000};  // from a request's first byte to its last
  std::chrono::milliseconds reply{10'000};   // for a client to read one reply
  std::chrono::milliseconds idle{120'000};   // between requests
};

class VarlinkConnection {
 public:
  using Clock = std::chrono::steady_clock;

  VarlinkConnection(UniqueFd fd, Peer peer, const VarlinkLimits& limits, const VarlinkHandler& handler);

  // A connection that only tells why it cannot be served, and ends.
  void refuse(const Reply& why);

  // Reads, handles and writes what can be done without waiting. Whoever watches the socket calls it when the
  // client hangs up, though it wants neither to read nor to write. False: the connection is over,
  // `why_over()`.
  [[nodiscard]] bool advance();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const Peer& peer() const { return peer_; }
  [[nodiscard]] bool wants_read() const;
  [[nodiscard]] bool wants_write() const;
  // When to call advance() though the socket is silent.
  [[nodiscard]] Clock::time_point deadline() const { return deadline_; }
  // Nothing is under way: it can be ended without loss to the client.
  [[nodiscard]] bool idle() const { return phase_ == Phase::kIdle; }
  [[nodiscard]] Clock::time_point idle_since() const { return idle_since_; }
  // Empty when it ended as it should.
  [[nodiscard]] const std::string& why_over() const { return why_over_; }

 private:
  enum class Phase {
    kIdle,      // no byte of a request yet
    kRequest,   // part of a request
    kReply,     // a reply is being written, or more are to come
    kWaiting,   // for a reply that takes a while
    kDraining,  // refused: what still comes is thrown away, so that the client can read why
  };

  bool over(std::string why);
  bool work();
  bool on_deadline();
  void ask_for_reply();
  [[nodiscard]] bool hung_up() const;
  bool read_some();
  bool write_some();
  void take_request();
  void start_reply(const Reply& reply);
  void end_with(const Reply& why);
  void settle();
  void become_idle();
  [[nodiscard]] bool has_request() const { return request_end_ != std::string::npos; }
  [[nodiscard]] bool has_output() const { return written_ < out_.size(); }

  UniqueFd fd_;
  Peer peer_;
  const VarlinkLimits& limits_;
  const VarlinkHandler& handler_;
  Phase phase_ = Phase::kIdle;
  std::string in_;
  size_t scanned_ = 0;                      // of in_, without a NUL
  size_t request_end_ = std::string::npos;  // the NUL of the first request in in_
  bool end_of_input_ = false;
  std::string out_;
  size_t written_ = 0;
  ReplySource replies_;
  bool ending_ = false;  // after what is in out_
  bool shut_ = false;    // our side of the socket is closed
  Clock::time_point deadline_;
  Clock::time_point idle_since_;
  std::string why_over_;
};

}  // namespace xdpfwd

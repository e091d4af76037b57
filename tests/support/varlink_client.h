// SPDX-License-Identifier: BSD-2-Clause
// A client that can misbehave: sends any bytes, in any pieces, and reads when told to.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "core/protocol.h"

namespace xdpfwd {

class VarlinkTestClient {
 public:
  explicit VarlinkTestClient(const std::string& path);

  [[nodiscard]] bool connected() const { return static_cast<bool>(fd_); }
  // False when the server has gone away.
  bool send(std::string_view bytes);
  bool call(const Call& call) { return send(write_call(call) + '\0'); }
  void end_of_input();
  void limit_receive_buffer(int bytes);
  // The next message; nothing when the server closed the connection or `within` passed.
  std::optional<Reply> reply(std::chrono::milliseconds within = std::chrono::minutes(5));
  std::optional<Reply> ask(const Call& call) {
    this->call(call);
    return reply();
  }
  // True when the server closes within the time; what it still sends is thrown away.
  bool closed_within(std::chrono::milliseconds within);
  void close() { fd_.reset(); }

 private:
  // Reads once; false at the end or after the time.
  bool read_some(std::chrono::steady_clock::time_point until);

  UniqueFd fd_;
  std::string in_;
  bool closed_ = false;
};

}  // namespace xdpfwd

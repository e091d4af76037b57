// SPDX-License-Identifier: BSD-2-Clause
// Asks the daemon over its control socket, one call at a time, and waits for the answer: but not for ever.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "core/protocol.h"

namespace xdpfwd {

// Why there is no answer: the daemon could not be reached, or it refused.
struct AskError {
  Error error;
  bool unreachable = false;
};

template <typename T>
using Asked = std::expected<T, AskError>;

class Client {
 public:
  // How long each part of an answer is waited for. The daemon does one thing after the other, and a NIC can
  // take seconds to accept a program.
  static constexpr std::chrono::seconds kPatience{10};
  // For what takes the daemon long itself: it reads many guests.
  static constexpr std::chrono::seconds kPatienceForWork{60};

  static Asked<Client> connect(const std::string& socket, std::chrono::milliseconds patience = kPatience);

  // The parameters of the reply.
  Asked<Json> ask(std::string_view method, Json parameters = Json::object());
  // Each of several replies, as it comes. `each` may end it by an error.
  Asked<void> ask_more(std::string_view method, const std::function<Result<void>(const Json&)>& each);

 private:
  Client(UniqueFd fd, std::string socket, std::chrono::milliseconds patience)
      : fd_(std::move(fd)), socket_(std::move(socket)), patience_(patience) {}
  Asked<void> send(const Call& call);
  Asked<Reply> receive();
  [[nodiscard]] std::unexpected<AskError> gone(int code) const;

  UniqueFd fd_;
  std::string socket_;
  std::chrono::milliseconds patience_;
  std::string in_;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// How failure is reported: as a value. A Result<T> is a T or an Error; nothing is thrown across our
// functions. An Error is written for the operator: what failed and where, and what to do about it.
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace xdpfwd {

struct Error {
  std::string message;  // names the thing and the place: "/etc/xdpfwd/xdpfwd.toml:7:9: unknown key 'vlam'"
  std::string remedy;   // what to do: "did you mean 'vlan'?"; may be empty
  int code = 0;         // errno behind it, positive, or 0

  [[nodiscard]] std::string text() const { return remedy.empty() ? message : message + "; " + remedy; }
  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string message, std::string remedy = {}, int code = 0) {
  return std::unexpected(Error{std::move(message), std::move(remedy), code});
}

// For a failed system call. `code` is an errno value, positive, taken with the call.
inline std::unexpected<Error> fail_errno(std::string what, int code, std::string remedy = {}) {
  what += ": ";
  what += std::strerror(code);
  return fail(std::move(what), std::move(remedy), code);
}

// Puts the place in front of an error that a callee reported.
inline std::unexpected<Error> fail_in(std::string_view place, Error error) {
  error.message = std::string(place) + ": " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Varlink messages as values: calls, replies, errors, and the text of our interface. What the methods do is
// left to shell/control_server; the socket to shell/varlink_server and, at the other end, to xdpctl.
// Varlink: https://varlink.org; each message is a JSON object, ended by a NUL byte.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/json_reader.h"

namespace xdpfwd {

inline constexpr std::string_view kControlInterface = "org.xdpfwd.Control";
inline constexpr std::string_view kVarlinkService = "org.varlink.service";

// The interface definitions that GetInterfaceDescription serves.
extern const std::string_view kControlDescription;
extern const std::string_view kVarlinkServiceDescription;

// Entries in one reply of a list. A longer list needs a call with `more`, and comes in several replies.
inline constexpr size_t kEntriesPerReply = 1024;

struct Call {
  std::string method;  // "org.xdpfwd.Control.GetStatus"
  Json parameters = Json::object();
  bool more = false;    // several replies are welcome
  bool oneway = false;  // no reply is wanted

  [[nodiscard]] std::string_view interface() const;  // "org.xdpfwd.Control"
};

struct Reply {
  std::string error;  // "org.xdpfwd.Control.NotFound"; empty: none
  Json parameters = Json::object();
  bool continues = false;  // more replies follow
  // This is no reply yet: whoever is asked for it wants to be asked again so much later. Never on the wire.
  std::optional<uint64_t> wait_ms = {};
};

// Without the NUL byte.
Result<Call> parse_call(std::string_view message);
std::string write_call(const Call& call);
Result<Reply> parse_reply(std::string_view message);
std::string write_reply(const Reply& reply);

// ---- errors
// ------------------------------------------------------------------------------------------------

// The errors of our own interface; each has a message and a remedy.
inline constexpr std::string_view kFailed = "org.xdpfwd.Control.Failed";
inline constexpr std::string_view kNotFound = "org.xdpfwd.Control.NotFound";
inline constexpr std::string_view kAlreadyExists = "org.xdpfwd.Control.AlreadyExists";
inline constexpr std::string_view kTableFull = "org.xdpfwd.Control.TableFull";
inline constexpr std::string_view kInvalidArgument = "org.xdpfwd.Control.InvalidArgument";
inline constexpr std::string_view kNotPermitted = "org.xdpfwd.Control.NotPermitted";
inline constexpr std::string_view kBadRequest = "org.xdpfwd.Control.BadRequest";
inline constexpr std::string_view kTooManyClients = "org.xdpfwd.Control.TooManyClients";

// The error's name by its code: ENOENT is NotFound, EEXIST AlreadyExists, ENOSPC TableFull, EPERM and EACCES
// NotPermitted, EINVAL InvalidArgument; any other is Failed.
Reply error_reply(const Error& error);
Reply error_reply(std::string_view name, std::string message, std::string remedy);
// A parameter that is missing, of the wrong type, or not acceptable.
Reply invalid_argument(std::string_view parameter, const Error& error);
// The errors that varlink itself has.
Reply method_not_found(const Call& call);
Reply interface_not_found(std::string_view interface);
Reply invalid_parameter(std::string_view parameter);
Reply expected_more();

// What a reply says went wrong, for people. Codes come back as error_reply() had them.
Error error_of(const Reply& reply);

}  // namespace xdpfwd

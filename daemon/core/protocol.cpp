// SPDX-License-Identifier: BSD-2-Clause
#include "core/protocol.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <utility>

namespace xdpfwd {
namespace {

constexpr std::string_view kMethodNotFound = "org.varlink.service.MethodNotFound";
constexpr std::string_view kInterfaceNotFound = "org.varlink.service.InterfaceNotFound";
constexpr std::string_view kInvalidParameter = "org.varlink.service.InvalidParameter";
constexpr std::string_view kExpectedMore = "org.varlink.service.ExpectedMore";

constexpr std::array<std::pair<int, std::string_view>, 6> kNamesByCode = {{
    {ENOENT, kNotFound},
    {EEXIST, kAlreadyExists},
    {ENOSPC, kTableFull},
    {EPERM, kNotPermitted},
    {EACCES, kNotPermitted},
    {EINVAL, kInvalidArgument},
}};

// Names of files and interfaces can be any bytes; JSON is UTF-8.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string_view Call::interface() const {
  const size_t dot = method.rfind('.');
  return dot == std::string::npos ? std::string_view() : std::string_view(method).substr(0, dot);
}

Result<Call> parse_call(std::string_view message) {
  auto json = parse_json(message);
  if (!json) return std::unexpected(std::move(json).error());
  JsonReader reader(*json, "");
  Call call;
  call.method = reader.text("method");
  if (reader.has("parameters")) call.parameters = reader.object("parameters");
  call.more = reader.flag_or("more", false);
  call.oneway = reader.flag_or("oneway", false);
  if (reader.flag_or("upgrade", false)) reader.refuse("upgrade", {"is not supported", {}, 0});
  if (call.more && call.oneway) reader.refuse("oneway", {"cannot be together with 'more'", {}, 0});
  if (reader.finish() && call.interface().empty())
    reader.refuse("method", {fmt::format("'{}' is not interface.Method", call.method.substr(0, 200)), {}, 0});
  // Other fields are left alone: the varlink specification may add some.
  if (auto done = reader.finish(); !done) return std::unexpected(std::move(done).error());
  return call;
}

std::string write_call(const Call& call) {
  Json json = {{"method", call.method}, {"parameters", call.parameters}};
  if (call.more) json["more"] = true;
  if (call.oneway) json["oneway"] = true;
  return dump(json);
}

Result<Reply> parse_reply(std::string_view message) {
  auto json = parse_json(message);
  if (!json) return std::unexpected(std::move(json).error());
  JsonReader reader(*json, "");
  Reply reply;
  reply.error = reader.text_or("error", "");
  reply.continues = reader.flag_or("continues", false);
  if (reader.has("parameters")) reader.object("parameters");
  if (auto done = reader.finish(); !done) return std::unexpected(std::move(done).error());
  if (reader.has("parameters")) reply.parameters = std::move((*json)["parameters"]);
  return reply;
}

std::string write_reply(const Reply& reply) {
  // Put together by hand: a list of a thousand entries is not copied into another object.
  std::string text = "{";
  if (!reply.error.empty()) text += fmt::format("\"error\":{},", dump(reply.error));
  if (reply.continues) text += "\"continues\":true,";
  return text + "\"parameters\":" + dump(reply.parameters) + "}";
}

Reply error_reply(std::string_view name, std::string message, std::string remedy) {
  return {std::string(name), {{"message", std::move(message)}, {"remedy", std::move(remedy)}}, false};
}

Reply error_reply(const Error& error) {
  for (const auto& [code, name] : kNamesByCode)
    if (code == error.code) return error_reply(name, error.message, error.remedy);
  return error_reply(kFailed, error.message, error.remedy);
}

Reply invalid_argument(std::string_view parameter, const Error& error) {
  Reply reply = error_reply(kInvalidArgument, error.message, error.remedy);
  reply.parameters["parameter"] = parameter;
  return reply;
}

Reply method_not_found(const Call& call) {
  return {std::string(kMethodNotFound), {{"method", call.method}}, false};
}
Reply interface_not_found(std::string_view interface) {
  return {std::string(kInterfaceNotFound), {{"interface", interface}}, false};
}
Reply invalid_parameter(std::string_view parameter) {
  return {std::string(kInvalidParameter), {{"parameter", parameter}}, false};
}
Reply expected_more() {
  return {std::string(kExpectedMore), Json::object(), false};
}

Error error_of(const Reply& reply) {
  JsonReader reader(reply.parameters, "");
  Error error{reader.text_or("message", ""), reader.text_or("remedy", ""), 0};
  for (const auto& [code, name] : kNamesByCode)
    if (name == reply.error && error.code == 0) error.code = code;
  if (!error.message.empty()) return error;
  if (reply.error == kMethodNotFound || reply.error == kInterfaceNotFound)
    return {fmt::format("the daemon does not know {}",
                        reader.text_or("method", reader.text_or("interface", "what was asked"))),
            "is the daemon older than xdpctl? 'xdpctl version' shows both", error.code};
  error.message = fmt::format("{} {}", reply.error, dump(reply.parameters));
  return error;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "shell/control_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "core/effect_json.h"
#include "core/guest_fields.h"
#include "core/guest_json.h"
#include "core/napi_json.h"
#include "core/report_json.h"

namespace xdpfwd {
namespace {

struct Context {
  Control& control;
  const std::string& version;
  const Call& call;
};

ReplySource one(Reply reply) {
  return [reply = std::move(reply)]() mutable { return std::move(reply); };
}
ReplySource done(const Result<void>& result) {
  return one(result ? Reply{} : error_reply(result.error()));
}
ReplySource bad(const JsonReader& reader, const Error& error) {
  return one(invalid_argument(reader.bad_key(), error));
}

// For methods without parameters.
std::optional<ReplySource> refuse_parameters(const Call& call) {
  JsonReader reader(call.parameters, "");
  if (const auto end = reader.finish_strict(); !end) return bad(reader, end.error());
  return std::nullopt;
}

template <typename T>
ReplySource report(const Result<T>& result) {
  return one(result ? Reply{"", to_json(*result), false} : error_reply(result.error()));
}

// ---- lists
// -------------------------------------------------------------------------------------------------

// Entries that are there already, in replies of a bounded size.
template <typename T>
ReplySource list(const Call& call, std::string_view key, std::vector<T> entries) {
  if (auto refusal = refuse_parameters(call)) return *refusal;
  if (!call.more && entries.size() > kEntriesPerReply) return one(expected_more());
  return [key, entries = std::move(entries), next = size_t{0}]() mutable {
    const size_t end = std::min(entries.size(), next + kEntriesPerReply);
    Json part = Json::array();
    for (; next < end; ++next) part.push_back(to_json(entries[next]));
    return Reply{"", {{key, std::move(part)}}, next < entries.size()};
  };
}

// Rows are fetched as they are read: a million of them never wait in memory for a slow reader. One more than
// fits is asked for, to know whether to go on.
ReplySource list_fdb(const Context& context) {
  if (auto refusal = refuse_parameters(context.call)) return *refusal;
  Control& control = context.control;
  auto rows = control.fdb(FdbKey{}, kEntriesPerReply + 1);
  if (!context.call.more && rows.size() > kEntriesPerReply) return one(expected_more());
  return [&control, rows = std::move(rows)]() mutable {
    Json part = Json::array();
    for (size_t i = 0; i < std::min(rows.size(), kEntriesPerReply); ++i) part.push_back(to_json(rows[i]));
    const bool continues = rows.size() > kEntriesPerReply;
    if (continues) rows = control.fdb(rows[kEntriesPerReply].key, kEntriesPerReply + 1);
    return Reply{"", {{"rows", std::move(part)}}, continues};
  };
}

// ---- methods
// -----------------------------------------------------------------------------------------------

ReplySource get_version(const Context& context) {
  if (auto refusal = refuse_parameters(context.call)) return *refusal;
  return one({"", {{"version", context.version}, {"abi", XDPFWD_ABI_VERSION}}, false});
}

ReplySource get_status(const Context& context) {
  if (auto refusal = refuse_parameters(context.call)) return *refusal;
  return one({"", to_json(context.control.status()), false});
}

ReplySource list_guests(const Context& context) {
  return list(context.call, "guests", context.control.guests());
}
ReplySource list_ports(const Context& context) {
  return list(context.call, "ports", context.control.ports());
}

ReplySource lookup_fdb(const Context& context) {
  JsonReader reader(context.call.parameters, "");
  const auto mac = reader.take("mac", MacAddress::parse(reader.text("mac")));
  const auto tpid = reader.take("tpid", parse_tpid(reader.text_or("tpid", "802.1q")));
  const auto vlan = reader.take("vlan", make_guest_vlan(reader.integer("vlan"), tpid));
  if (const auto end = reader.finish_strict(); !end) return bad(reader, end.error());
  const FdbKey key = FdbKey::make(mac, vlan);
  const auto rows = context.control.fdb(key, 1);
  if (rows.empty() || rows.front().key != key)
    return one(error_reply(kNotFound,
                           fmt::format("{} is not in the table: its frames pass to the stack", key.text()),
                           "add it with 'xdpctl guest add', or to the configuration"));
  return one({"", {{"row", to_json(rows.front())}}, false});
}

ReplySource get_stats(const Context& context) {
  if (auto refusal = refuse_parameters(context.call)) return *refusal;
  return report(context.control.stats());
}

ReplySource plan(const Context& context) {
  if (auto refusal = refuse_parameters(context.call)) return *refusal;
  return report(context.control.plan());
}

ReplySource add_guest(const Context& context) {
  JsonReader reader(context.call.parameters, "");
  Guest guest = read_guest(reader);
  const bool ephemeral = reader.flag_or("ephemeral", false);
  const bool dry_run = reader.flag_or("dry_run", false);
  if (const auto end = reader.finish_strict(); !end) return bad(reader, end.error());
  if (dry_run) return done(context.control.check_guest(guest));
  return done(context.control.add_guest(std::move(guest), ephemeral));
}

ReplySource delete_guest(const Context& context) {
  JsonReader reader(context.call.parameters, "");
  const std::string name = reader.text("name");
  if (const auto end = reader.finish_strict(); !end) return bad(reader, end.error());
  return done(context.control.delete_guest(name));
}

ReplySource reload(const Context& context) {
  if (auto refusal = refuse_parameters(context.call)) return *refusal;
  return done(context.control.reload());
}

ReplySource detach(const Context& context) {
  JsonReader reader(context.call.parameters, "");
  std::vector<InterfaceName> members;
  for (const std::string& text : reader.texts_or_empty("members"))
    members.push_back(reader.take("members", InterfaceName::parse(text)));
  const bool all = reader.flag_or("all", false);
  // Control::detach() takes no members for all of them; over the wire that would be too easy to do by
  // mistake.
  if (all == !members.empty())
    reader.refuse("all", {all ? "cannot be together with members" : "neither members nor 'all' are given",
                          "name members, or set all to true", 0});
  if (const auto end = reader.finish_strict(); !end) return bad(reader, end.error());
  return done(context.control.detach(members));
}

ReplySource tune_plan(const Context& context) {
  if (auto refusal = refuse_parameters(context.call)) return *refusal;
  return report(context.control.tune_plan());
}

ReplySource tune_status(const Context& context) {
  if (auto refusal = refuse_parameters(context.call)) return *refusal;
  return one({"", to_json(context.control.tune_status()), false});
}

ReplySource tune_apply(const Context& context) {
  JsonReader reader(context.call.parameters, "");
  const bool dry_run = reader.flag_or("dry_run", false);
  if (const auto end = reader.finish_strict(); !end) return bad(reader, end.error());
  return report(dry_run ? context.control.tune_plan() : context.control.tune_apply());
}

ReplySource tune_revert(const Context& context) {
  if (auto refusal = refuse_parameters(context.call)) return *refusal;
  return report(context.control.tune_revert());
}

ReplySource get_napi(const Context& context) {
  if (auto refusal = refuse_parameters(context.call)) return *refusal;
  return report(context.control.napi_status());
}

ReplySource set_napi(const Context& context) {
  JsonReader reader(context.call.parameters, "");
  std::optional<NapiWish> wish;
  if (reader.has("mode")) wish = reader.take("mode", parse_napi_wish(reader.text("mode")));
  if (const auto end = reader.finish_strict(); !end) return bad(reader, end.error());
  return report(context.control.set_napi(std::move(wish)));
}

// ---- what takes a while
// ------------------------------------------------------------------------------------

// The reply comes when the work is done; the work ends with the connection.
template <typename T>
ReplySource await(Result<Ongoing<T>> begun) {
  if (!begun) return one(error_reply(begun.error()));
  return [ongoing = std::move(*begun)] {
    const auto state = ongoing();
    if (!state) return error_reply(state.error());
    if (const auto* later = std::get_if<NotYet>(&*state))
      return Reply{.error = {}, .continues = true, .wait_ms = later->after_ms};
    return Reply{.error = {}, .parameters = to_json(std::get<T>(*state))};
  };
}

constexpr uint64_t kTrialSeconds = 3;
constexpr uint64_t kWatchSeconds = 5;  // where nobody says how long

ReplySource watch_polls(const Context& context) {
  JsonReader reader(context.call.parameters, "");
  const uint64_t seconds = reader.optional_count("seconds").value_or(kWatchSeconds);
  if (const auto end = reader.finish_strict(); !end) return bad(reader, end.error());
  return await(context.control.watch_polls(seconds));
}

ReplySource tune_verify(const Context& context) {
  JsonReader reader(context.call.parameters, "");
  const uint64_t seconds = reader.optional_count("seconds").value_or(kWatchSeconds);
  if (const auto end = reader.finish_strict(); !end) return bad(reader, end.error());
  return await(context.control.tune_verify(seconds));
}

ReplySource suggest_tx_coalesce(const Context& context) {
  JsonReader reader(context.call.parameters, "");
  const auto member = reader.take("member", InterfaceName::parse(reader.text("member")));
  const uint64_t seconds = reader.optional_count("seconds_each").value_or(kTrialSeconds);
  if (const auto end = reader.finish_strict(); !end) return bad(reader, end.error());
  return await(context.control.suggest_tx_coalesce(member, seconds));
}

struct Method {
  std::string_view name;
  bool writes;
  ReplySource (*answer)(const Context&);
};

constexpr std::array<Method, 21> kMethods = {{
    {"GetVersion", false, get_version},
    {"GetStatus", false, get_status},
    {"ListGuests", false, list_guests},
    {"ListFdb", false, list_fdb},
    {"ListPorts", false, list_ports},
    {"LookupFdb", false, lookup_fdb},
    {"GetStats", false, get_stats},
    {"Plan", false, plan},
    {"AddGuest", true, add_guest},
    {"DeleteGuest", true, delete_guest},
    {"Reload", true, reload},
    {"Detach", true, detach},
    {"TunePlan", false, tune_plan},
    {"TuneStatus", false, tune_status},
    {"TuneApply", true, tune_apply},
    {"TuneRevert", true, tune_revert},
    {"GetNapi", false, get_napi},
    {"SetNapi", true, set_napi},
    {"WatchPolls", true, watch_polls},
    {"TuneVerify", true, tune_verify},
    {"SuggestTxCoalesce", true, suggest_tx_coalesce},
}};

ReplySource answer_control(const Context& context, std::string_view name, const Peer& peer) {
  const auto method = std::ranges::find(kMethods, name, &Method::name);
  if (method == kMethods.end()) return one(method_not_found(context.call));
  if (method->writes && !peer.may_write)
    return one(error_reply(kNotPermitted, fmt::format("user {} may not call {}", peer.uid, name),
                           "be root or a member of the control socket's group"));
  return method->answer(context);
}

ReplySource answer_service(const Context& context, std::string_view name) {
  JsonReader reader(context.call.parameters, "");
  if (name == "GetInfo") {
    if (!reader.finish_strict()) return one(invalid_parameter(reader.bad_key()));
    return one({"",
                {{"vendor", "xdpfwd"},
                 {"product", "xdpfwd"},
                 {"version", context.version},
                 {"url", ""},
                 {"interfaces", {kVarlinkService, kControlInterface}}},
                false});
  }
  if (name == "GetInterfaceDescription") {
    const std::string interface = reader.text("interface");
    if (!reader.finish_strict()) return one(invalid_parameter(reader.bad_key()));
    if (interface == kControlInterface) return one({"", {{"description", kControlDescription}}, false});
    if (interface == kVarlinkService) return one({"", {{"description", kVarlinkServiceDescription}}, false});
    return one(interface_not_found(interface));
  }
  return one(method_not_found(context.call));
}

}  // namespace

ReplySource answer(Control& control, const std::string& version, const Call& call, const Peer& peer) {
  const Context context{control, version, call};
  const std::string_view interface = call.interface();
  const std::string_view name = std::string_view(call.method).substr(interface.size() + 1);
  if (interface == kControlInterface) return answer_control(context, name, peer);
  if (interface == kVarlinkService) return answer_service(context, name);
  return one(interface_not_found(interface));
}

Result<std::unique_ptr<ControlServer>> ControlServer::start(sd_event* event, Control& control,
                                                            Options options) {
  auto server = VarlinkServer::listen(
      event,
      {.path = std::move(options.socket),
       .group = std::move(options.group),
       .limits = options.limits,
       .on_drop = std::move(options.on_drop)},
      [&control, version = std::move(options.version)](const Call& call, const Peer& peer) {
        return answer(control, version, call, peer);
      });
  if (!server) return std::unexpected(std::move(server).error());
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(*server)));
}

}  // namespace xdpfwd

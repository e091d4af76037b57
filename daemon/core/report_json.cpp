// SPDX-License-Identifier: BSD-2-Clause
#include "core/report_json.h"

#include <fmt/format.h>

#include "core/guest_fields.h"
#include "core/guest_json.h"
#include "core/json_lists.h"
#include "core/nearest.h"
#include "core/report_names.h"

namespace xdpfwd {
namespace {

// All counters, zero or not: one that appears later would look like a change of schema.
template <size_t N>
Json counters_to_json(std::span<const NamedCounter> names, const std::array<uint64_t, N>& values) {
  Json object = Json::object();
  for (size_t i = 0; i < N; ++i) object[std::string(names[i].name)] = values[i];
  return object;
}

template <typename T>
T read_name(JsonReader& reader, std::string_view key) {
  const std::string text = reader.text(key);
  if (const auto value = from_name<T>(text)) return *value;
  reader.refuse(key, {fmt::format("'{}' is not known", text), did_you_mean(text, names_of<T>(), "known"), 0});
  return T{};
}

template <size_t N>
std::array<uint64_t, N> read_counters(JsonReader& reader, std::string_view key,
                                      std::span<const NamedCounter> names) {
  std::array<uint64_t, N> values{};
  JsonReader inner(reader.object(key), std::string(key));
  for (size_t i = 0; i < N; ++i) values[i] = inner.count(names[i].name);
  reader.refuse(inner.finish());
  return values;
}

Problem read_problem(JsonReader& reader) {
  return {.thing = reader.text("thing"),
          .why = reader.text("why"),
          .remedy = reader.text("remedy"),
          .retry_ms = reader.optional_count("retry_ms"),
          .waiting = reader.flag("waiting")};
}

MemberReport read_member(JsonReader& reader) {
  return {.name = reader.text("name"),
          .ifindex = reader.count32("ifindex"),
          .bond = reader.text("bond"),
          .attached = reader.flag("attached"),
          .flavour = read_name<Flavour>(reader, "vlan_tag"),
          .mode = read_name<XdpMode>(reader, "xdp_mode"),
          .active = reader.flag("active"),
          .promisc = read_name<Promisc>(reader, "promisc"),
          .packets = read_counters<XDPFWD_REASON_COUNT>(reader, "packets", reasons())};
}

PortReport read_port(JsonReader& reader) {
  PortReport port{.name = reader.text("name"),
                  .state = read_name<PortState>(reader, "state"),
                  .ifindex = reader.count32("ifindex"),
                  .slot = std::nullopt,
                  .mtu = reader.count32("mtu"),
                  .rows = reader.count32("rows"),
                  .counters = {}};
  if (reader.has("slot")) {
    port.slot = reader.count32("slot");
    port.counters.slot = *port.slot;
  }
  port.counters.packets = reader.count("packets");
  port.counters.bytes = reader.count("bytes");
  port.counters.relearned = reader.count("relearned");
  port.counters.losses = read_counters<XDPFWD_LOSS_COUNT>(reader, "lost", losses());
  return port;
}

GuestReport read_guest_report(JsonReader& reader) {
  return {.guest = read_guest(reader),
          .source = read_name<GuestSource>(reader, "source"),
          .port = read_name<PortState>(reader, "state")};
}

FdbReport read_row(JsonReader& reader) {
  const auto tpid = reader.take("tpid", parse_tpid(reader.text("tpid")));
  const auto vlan = reader.take("vlan", make_guest_vlan(reader.integer("vlan"), tpid));
  const auto mac = reader.take("mac", MacAddress::parse(reader.text("mac")));
  return {.key = FdbKey::make(mac, vlan),
          .port = reader.text("tap"),
          .guest = reader.text("guest"),
          .keep_tag = reader.take("mode", parse_mode(reader.text("mode"))),
          .installed = reader.flag("installed")};
}

StatusReport read_status_fields(JsonReader& reader) {
  return {.version = reader.text("version"),
          .state = reader.text("state"),
          .uptime_ms = reader.count("uptime_ms"),
          .guests = reader.count("guests"),
          .rows_wanted = reader.count("rows_wanted"),
          .rows_installed = reader.count("rows_installed"),
          .table_capacity = reader.count32("table_capacity"),
          .ports_wanted = reader.count32("ports_wanted"),
          .ports_open = reader.count32("ports_open"),
          .config_files = reader.texts("config_files"),
          .members = read_list<MemberReport>(reader, "members", read_member),
          .problems = read_list<Problem>(reader, "problems", read_problem)};
}

StatsReport read_stats_fields(JsonReader& reader) {
  return {.time_ns = reader.count("time_ns"),
          .members = read_list<MemberReport>(reader, "members", read_member),
          .ports = read_list<PortReport>(reader, "ports", read_port)};
}

PlanReport read_plan_fields(JsonReader& reader) {
  return {.actions = reader.texts("actions"),
          .rows_added = reader.count("rows_added"),
          .rows_removed = reader.count("rows_removed"),
          .rows_changed = reader.count("rows_changed"),
          .problems = read_list<Problem>(reader, "problems", read_problem)};
}

TuningChange read_tuning_change(JsonReader& reader) {
  return {.device = reader.text("device"),
          .knob = reader.text("knob"),
          .from = reader.text("from"),
          .to = reader.text("to"),
          .reason = reader.text("reason"),
          .resets = reader.flag("resets")};
}

TuningReport read_tuning_fields(JsonReader& reader) {
  return {.apply = read_name<TuningApply>(reader, "apply"),
          .held = reader.flag("held"),
          .changes = read_list<TuningChange>(reader, "changes", read_tuning_change),
          .waiting = reader.count("waiting"),
          .problems = read_list<Problem>(reader, "problems", read_problem)};
}

}  // namespace

Json to_json(const Problem& problem) {
  Json json = {{"thing", problem.thing},
               {"why", problem.why},
               {"remedy", problem.remedy},
               {"waiting", problem.waiting}};
  if (problem.retry_ms) json["retry_ms"] = *problem.retry_ms;
  return json;
}

Json to_json(const MemberReport& member) {
  return {{"name", member.name},
          {"ifindex", member.ifindex},
          {"bond", member.bond},
          {"attached", member.attached},
          {"vlan_tag", name_of(member.flavour)},
          {"xdp_mode", name_of(member.mode)},
          {"active", member.active},
          {"promisc", name_of(member.promisc)},
          {"packets", counters_to_json(reasons(), member.packets)}};
}

Json to_json(const PortReport& port) {
  Json json = {{"name", port.name},
               {"state", name_of(port.state)},
               {"ifindex", port.ifindex},
               {"mtu", port.mtu},
               {"rows", port.rows},
               {"packets", port.counters.packets},
               {"bytes", port.counters.bytes},
               {"relearned", port.counters.relearned},
               {"lost", counters_to_json(losses(), port.counters.losses)}};
  if (port.slot) json["slot"] = *port.slot;
  return json;
}

Json to_json(const GuestReport& guest) {
  Json json = to_json(guest.guest);
  json["source"] = name_of(guest.source);
  json["state"] = name_of(guest.port);
  if (!guest.guest.where.file.empty()) json["where"] = guest.guest.where.text();
  return json;
}

Json to_json(const FdbReport& row) {
  return {{"vlan", row.key.vlan().id()}, {"tpid", tpid_text(row.key.vlan().tpid())},
          {"mac", row.key.mac().text()}, {"tap", row.port},
          {"guest", row.guest},          {"mode", mode_text(row.keep_tag)},
          {"installed", row.installed}};
}

Json to_json(const StatusReport& status) {
  return {{"version", status.version},
          {"state", status.state},
          {"uptime_ms", status.uptime_ms},
          {"guests", status.guests},
          {"rows_wanted", status.rows_wanted},
          {"rows_installed", status.rows_installed},
          {"table_capacity", status.table_capacity},
          {"ports_wanted", status.ports_wanted},
          {"ports_open", status.ports_open},
          {"config_files", status.config_files},
          {"members", list_of(status.members)},
          {"problems", list_of(status.problems)}};
}

Json to_json(const StatsReport& stats) {
  return {{"time_ns", stats.time_ns}, {"members", list_of(stats.members)}, {"ports", list_of(stats.ports)}};
}

Json to_json(const PlanReport& plan) {
  return {{"actions", plan.actions},
          {"rows_added", plan.rows_added},
          {"rows_removed", plan.rows_removed},
          {"rows_changed", plan.rows_changed},
          {"problems", list_of(plan.problems)}};
}

Json to_json(const TuningChange& change) {
  return {{"device", change.device}, {"knob", change.knob},     {"from", change.from},
          {"to", change.to},         {"reason", change.reason}, {"resets", change.resets}};
}

Json to_json(const TuningReport& tuning) {
  return {{"apply", name_of(tuning.apply)},
          {"held", tuning.held},
          {"changes", list_of(tuning.changes)},
          {"waiting", tuning.waiting},
          {"problems", list_of(tuning.problems)}};
}

Result<StatusReport> read_status(const Json& parameters) {
  return read_whole(parameters, read_status_fields);
}
Result<StatsReport> read_stats(const Json& parameters) {
  return read_whole(parameters, read_stats_fields);
}
Result<PlanReport> read_plan(const Json& parameters) {
  return read_whole(parameters, read_plan_fields);
}
Result<TuningReport> read_tuning(const Json& parameters) {
  return read_whole(parameters, read_tuning_fields);
}
Result<FdbReport> read_fdb_row(const Json& row) {
  return read_whole(row, read_row);
}

Result<std::vector<GuestReport>> read_guests(const Json& parameters) {
  return read_whole<std::vector<GuestReport>>(parameters, [](JsonReader& reader) {
    return read_list<GuestReport>(reader, "guests", read_guest_report);
  });
}
Result<std::vector<FdbReport>> read_fdb(const Json& parameters) {
  return read_whole<std::vector<FdbReport>>(
      parameters, [](JsonReader& reader) { return read_list<FdbReport>(reader, "rows", read_row); });
}
Result<std::vector<PortReport>> read_ports(const Json& parameters) {
  return read_whole<std::vector<PortReport>>(
      parameters, [](JsonReader& reader) { return read_list<PortReport>(reader, "ports", read_port); });
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/napi_json.h"

#include "core/json_lists.h"

namespace xdpfwd {
namespace {

std::optional<uint32_t> read_optional32(JsonReader& reader, std::string_view key) {
  return reader.has(key) ? std::optional(reader.count32(key)) : std::nullopt;
}

std::optional<PolledReport> read_polled(JsonReader& reader) {
  if (!reader.has("polled")) return std::nullopt;
  JsonReader fields(reader.object("polled"), "polled");
  PolledReport polled{.handle = fields.text("handle"),
                      .state = fields.text("state"),
                      .own_polls = fields.count("own_polls"),
                      .other_polls = fields.count("other_polls")};
  reader.refuse(fields.finish());
  return polled;
}

NapiReport read_napi(JsonReader& reader) {
  return {.device = reader.text("device"),
          .queue = read_optional32(reader, "queue"),
          .napi = reader.count32("napi"),
          .mode = reader.text("mode"),
          .cpus = reader.text("cpus"),
          .irq = read_optional32(reader, "irq"),
          .irq_cpus = reader.text("irq_cpus"),
          .ran = read_optional32(reader, "ran"),
          .waited = read_optional32(reader, "waited"),
          .polls = read_optional32(reader, "polls"),
          .packets = read_optional32(reader, "packets"),
          .moves = reader.count("moves"),
          .polled = read_polled(reader)};
}

PackingReport read_packing(JsonReader& reader) {
  return {.napis = reader.count32("napis"),
          .cpus_allowed = reader.count32("cpus_allowed"),
          .cpus_used = reader.count32("cpus_used"),
          .moves = reader.count("moves"),
          .failure = reader.text("failure")};
}

NapiStatusReport read_status_fields(JsonReader& reader) {
  NapiStatusReport status{.wanted = reader.text("wanted"),
                          .by_hand = reader.flag_or("by_hand", false),
                          .held = reader.flag_or("held", false),
                          .napis = read_list<NapiReport>(reader, "napis", read_napi),
                          .packing = {}};
  JsonReader packing(reader.object("packing"), "packing");
  status.packing = read_packing(packing);
  reader.refuse(packing.finish());
  return status;
}

}  // namespace

Json to_json(const NapiReport& napi) {
  Json json = {{"device", napi.device}, {"napi", napi.napi},         {"mode", napi.mode},
               {"cpus", napi.cpus},     {"irq_cpus", napi.irq_cpus}, {"moves", napi.moves}};
  if (napi.queue) json["queue"] = *napi.queue;
  if (napi.irq) json["irq"] = *napi.irq;
  if (napi.ran) json["ran"] = *napi.ran;
  if (napi.waited) json["waited"] = *napi.waited;
  if (napi.polls) json["polls"] = *napi.polls;
  if (napi.packets) json["packets"] = *napi.packets;
  if (napi.polled)
    json["polled"] = {{"handle", napi.polled->handle},
                      {"state", napi.polled->state},
                      {"own_polls", napi.polled->own_polls},
                      {"other_polls", napi.polled->other_polls}};
  return json;
}

Json to_json(const NapiStatusReport& status) {
  return {{"wanted", status.wanted},
          {"by_hand", status.by_hand},
          {"held", status.held},
          {"napis", list_of(status.napis)},
          {"packing",
           {{"napis", status.packing.napis},
            {"cpus_allowed", status.packing.cpus_allowed},
            {"cpus_used", status.packing.cpus_used},
            {"moves", status.packing.moves},
            {"failure", status.packing.failure}}}};
}

Result<NapiStatusReport> read_napi_status(const Json& parameters) {
  return read_whole(parameters, read_status_fields);
}

}  // namespace xdpfwd

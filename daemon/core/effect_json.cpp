// SPDX-License-Identifier: BSD-2-Clause
#include "core/effect_json.h"

#include <fmt/format.h>

#include "core/json_lists.h"
#include "core/nearest.h"
#include "core/report_names.h"

namespace xdpfwd {
namespace {

std::optional<uint32_t> read_queue_number(JsonReader& reader) {
  return reader.has("queue") ? std::optional(reader.count32("queue")) : std::nullopt;
}

QueueReport read_queue(JsonReader& reader) {
  QueueReport queue;
  queue.device = reader.text("device");
  queue.queue = read_queue_number(reader);
  queue.napi = reader.count32("napi");
  queue.packets = reader.count("packets");
  JsonReader polls(reader.object("polls"), "polls");
  for (size_t i = 0; i < kPollBuckets.size(); ++i) queue.by_work[i] = polls.count(kPollBuckets[i]);
  reader.refuse(polls.finish());
  queue.interrupts = reader.optional_count("interrupts");
  queue.received = reader.optional_count("received");
  return queue;
}

DeliveryReport read_delivery(JsonReader& reader) {
  return {.device = reader.text("device"),
          .queue = read_queue_number(reader),
          .napi = reader.count32("napi"),
          .tap = reader.text("tap"),
          .taken = reader.count("taken"),
          .lost = reader.count("lost")};
}

SentReport read_sent(JsonReader& reader) {
  return {.device = reader.text("device"), .packets = reader.count("packets")};
}

PollsReport read_polls_fields(JsonReader& reader) {
  return {.period_ns = reader.count("period_ns"),
          .net_softirq_ns = reader.count("net_softirq_ns"),
          .queues = read_list<QueueReport>(reader, "queues", read_queue),
          .delivered = read_list<DeliveryReport>(reader, "delivered", read_delivery),
          .sent = read_list<SentReport>(reader, "sent", read_sent),
          .backlog_dropped = reader.count("backlog_dropped"),
          .budget_exhausted = reader.count("budget_exhausted"),
          .uncounted = reader.count("uncounted")};
}

Finding read_finding(JsonReader& reader) {
  Finding finding{.check = reader.text("check"),
                  .thing = reader.text("thing"),
                  .what = reader.text("what"),
                  .remedy = reader.text("remedy")};
  const std::string verdict = reader.text("verdict");
  if (const auto known = from_name<Verdict>(verdict))
    finding.verdict = *known;
  else
    reader.refuse("verdict", {fmt::format("'{}' is not known", verdict),
                              did_you_mean(verdict, names_of<Verdict>(), "known"), 0});
  return finding;
}

VerifyReport read_verified_fields(JsonReader& reader) {
  VerifyReport verified;
  verified.findings = read_list<Finding>(reader, "findings", read_finding);
  JsonReader polls(reader.object("polls"), "polls");
  verified.polls = read_polls_fields(polls);
  reader.refuse(polls.finish());
  return verified;
}

TxRung read_rung(JsonReader& reader) {
  return {.usecs = reader.count32("usecs"),
          .period_ns = reader.count("period_ns"),
          .polls = reader.count("polls"),
          .zero_polls = reader.count("zero_polls"),
          .packets = reader.count("packets"),
          .interrupts = reader.count("interrupts"),
          .net_softirq_ns = reader.count("net_softirq_ns")};
}

SuggestReport read_suggestion_fields(JsonReader& reader) {
  SuggestReport suggestion{.device = reader.text("device"),
                           .present = reader.count32("present"),
                           .rungs = read_list<TxRung>(reader, "rungs", read_rung),
                           .suggested = std::nullopt,
                           .why = reader.text("why")};
  if (reader.has("suggested")) suggestion.suggested = reader.count32("suggested");
  return suggestion;
}

Json to_json(const TxRung& rung) {
  return {{"usecs", rung.usecs},
          {"period_ns", rung.period_ns},
          {"polls", rung.polls},
          {"zero_polls", rung.zero_polls},
          {"packets", rung.packets},
          {"interrupts", rung.interrupts},
          {"net_softirq_ns", rung.net_softirq_ns}};
}

}  // namespace

Json to_json(const QueueReport& queue) {
  Json polls = Json::object();
  for (size_t i = 0; i < kPollBuckets.size(); ++i) polls[std::string(kPollBuckets[i])] = queue.by_work[i];
  Json json = {{"device", queue.device},
               {"napi", queue.napi},
               {"packets", queue.packets},
               {"polls", std::move(polls)}};
  if (queue.queue) json["queue"] = *queue.queue;
  if (queue.interrupts) json["interrupts"] = *queue.interrupts;
  if (queue.received) json["received"] = *queue.received;
  return json;
}

Json to_json(const DeliveryReport& delivery) {
  Json json = {{"device", delivery.device},
               {"napi", delivery.napi},
               {"tap", delivery.tap},
               {"taken", delivery.taken},
               {"lost", delivery.lost}};
  if (delivery.queue) json["queue"] = *delivery.queue;
  return json;
}

Json to_json(const SentReport& sent) {
  return {{"device", sent.device}, {"packets", sent.packets}};
}

Json to_json(const PollsReport& polls) {
  return {{"period_ns", polls.period_ns},
          {"net_softirq_ns", polls.net_softirq_ns},
          {"queues", list_of(polls.queues)},
          {"delivered", list_of(polls.delivered)},
          {"sent", list_of(polls.sent)},
          {"backlog_dropped", polls.backlog_dropped},
          {"budget_exhausted", polls.budget_exhausted},
          {"uncounted", polls.uncounted}};
}

Json to_json(const Finding& finding) {
  return {{"verdict", name_of(finding.verdict)},
          {"check", finding.check},
          {"thing", finding.thing},
          {"what", finding.what},
          {"remedy", finding.remedy}};
}

Json to_json(const VerifyReport& verified) {
  return {{"findings", list_of(verified.findings)}, {"polls", to_json(verified.polls)}};
}

Json to_json(const SuggestReport& suggestion) {
  Json rungs = Json::array();
  for (const TxRung& rung : suggestion.rungs) rungs.push_back(to_json(rung));
  Json json = {{"device", suggestion.device},
               {"present", suggestion.present},
               {"rungs", std::move(rungs)},
               {"why", suggestion.why}};
  if (suggestion.suggested) json["suggested"] = *suggestion.suggested;
  return json;
}

Result<PollsReport> read_polls(const Json& parameters) {
  return read_whole(parameters, read_polls_fields);
}
Result<VerifyReport> read_verified(const Json& parameters) {
  return read_whole(parameters, read_verified_fields);
}
Result<SuggestReport> read_suggestion(const Json& parameters) {
  return read_whole(parameters, read_suggestion_fields);
}

}  // namespace xdpfwd

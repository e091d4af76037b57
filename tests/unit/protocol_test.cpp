// SPDX-License-Identifier: BSD-2-Clause
// Messages and reports, to JSON and back; and the interface's text, which says what they look like.
#include "core/protocol.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/effect_json.h"
#include "core/guest_json.h"
#include "core/napi_json.h"
#include "core/report_json.h"
#include "core/report_names.h"
#include "support/sample_reports.h"
#include "support/varlink_idl.h"

namespace xdpfwd {
namespace {

using testing::HasSubstr;

TEST(Protocol, calls_survive_the_wire) {
  const Call call{"org.xdpfwd.Control.ListFdb", {{"a", 1}}, true, false};
  const auto read = parse_call(write_call(call));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->method, call.method);
  EXPECT_EQ(read->interface(), "org.xdpfwd.Control");
  EXPECT_EQ(read->parameters, call.parameters);
  EXPECT_TRUE(read->more);
  EXPECT_FALSE(read->oneway);
  EXPECT_TRUE(parse_call(R"({"method":"a.B","future":1})"))
      << "unknown fields of the envelope are left alone";
  EXPECT_TRUE(parse_call(R"({"method":"a.B","parameters":null,"more":null})"));
}

TEST(Protocol, what_is_no_call_is_refused_with_the_reason) {
  for (const auto& [message, why] : std::vector<std::pair<std::string, std::string>>{
           {"", "not JSON"},
           {"x", "not JSON, from byte"},
           {"{\"method\":\"a.B\"", "not JSON"},
           {"[]", "must be an object"},
           {"{}", "method: is missing"},
           {R"({"method":1})", "method: must be a string"},
           {R"({"method":"B"})", "not interface.Method"},
           {R"({"method":"a.B","parameters":[]})", "parameters: must be an object"},
           {R"({"method":"a.B","more":1})", "more: must be true or false"},
           {R"({"method":"a.B","more":true,"oneway":true})", "cannot be together"},
           {R"({"method":"a.B","upgrade":true})", "not supported"},
           {std::string("{\"method\":\"a.B\",\"parameters\":{\"a\":") + std::string(1'000'000, '['),
            "nests deeper"},
           {"{\"method\":\"\xff.B\"}", "not JSON"},
       }) {
    const auto call = parse_call(message);
    ASSERT_FALSE(call) << message.substr(0, 100);
    EXPECT_THAT(call.error().message, HasSubstr(why));
  }
}

TEST(Protocol, replies_survive_the_wire) {
  for (const Reply& reply :
       {Reply{}, Reply{"", {{"x", {1, 2}}}, true}, Reply{"a.Bad\"", {{"message", "ü\n"}}, false}}) {
    const auto read = parse_reply(write_reply(reply));
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->error, reply.error);
    EXPECT_EQ(read->parameters, reply.parameters);
    EXPECT_EQ(read->continues, reply.continues);
  }
  EXPECT_EQ(write_reply({"", {{"name", "\xff"}}, false}), "{\"parameters\":{\"name\":\"\xef\xbf\xbd\"}}")
      << "a name that is not UTF-8 must not make the message so";
}

TEST(Protocol, errors_keep_message_remedy_and_code) {
  for (const int code : {0, ENOENT, EEXIST, ENOSPC, EPERM, EINVAL}) {
    const Error error{"what", "do this", code};
    const auto read = parse_reply(write_reply(error_reply(error)));
    ASSERT_TRUE(read);
    EXPECT_EQ(error_of(*read), error);
  }
  EXPECT_EQ(error_reply(Error{"", "", EIO}).error, kFailed);
  EXPECT_EQ(error_of(error_reply(Error{"x", "", EACCES})).code, EPERM);
  EXPECT_THAT(error_of(method_not_found({"a.B"})).text(), HasSubstr("does not know a.B"));
  EXPECT_THAT(error_of({"org.other.Error", {{"x", 1}}, false}).text(),
              HasSubstr("org.other.Error {\"x\":1}"));
}

TEST(Protocol, reports_survive_the_wire) {
  const auto status = read_status(to_json(sample_status()));
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_EQ(to_json(*status), to_json(sample_status()));
  EXPECT_EQ(status->problems, sample_status().problems);
  EXPECT_EQ(status->members[1].flavour, Flavour::kHint);
  const auto stats = read_stats(to_json(sample_stats(3)));
  ASSERT_TRUE(stats) << stats.error().text();
  EXPECT_EQ(to_json(*stats), to_json(sample_stats(3)));
  EXPECT_EQ(stats->ports[0].counters, sample_stats(3).ports[0].counters);
  const auto tuning = read_tuning(to_json(sample_tuning()));
  ASSERT_TRUE(tuning) << tuning.error().text();
  EXPECT_EQ(*tuning, sample_tuning());
  const auto polls = read_polls(to_json(sample_polls()));
  ASSERT_TRUE(polls) << polls.error().text();
  EXPECT_EQ(*polls, sample_polls());
  const auto verified = read_verified(to_json(sample_verified()));
  ASSERT_TRUE(verified) << verified.error().text();
  EXPECT_EQ(*verified, sample_verified());
  const auto suggestion = read_suggestion(to_json(sample_suggestion()));
  ASSERT_TRUE(suggestion) << suggestion.error().text();
  EXPECT_EQ(*suggestion, sample_suggestion());
  const auto plan = read_plan(to_json(sample_plan()));
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(to_json(*plan), to_json(sample_plan()));

  Json guests = Json::array(), rows = Json::array();
  for (const GuestReport& guest : sample_guests()) guests.push_back(to_json(guest));
  for (const FdbReport& row : sample_fdb()) rows.push_back(to_json(row));
  const auto read = read_guests({{"guests", guests}});
  ASSERT_TRUE(read) << read.error().text();
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE((*read)[i].guest.same_as(sample_guests()[i].guest));
  const auto fdb = read_fdb({{"rows", rows}});
  ASSERT_TRUE(fdb) << fdb.error().text();
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ((*fdb)[i].key, sample_fdb()[i].key);
}

TEST(Protocol, what_is_told_of_napi_comes_back_whole) {
  const auto read = read_napi_status(to_json(sample_napi_status()));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, sample_napi_status());
}

TEST(Protocol, a_report_that_lacks_a_field_is_an_error_that_names_it) {
  for (const std::string lacking : {"members", "uptime_ms", "problems"}) {
    Json json = to_json(sample_status());
    json.erase(lacking);
    const auto read = read_status(json);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().message, lacking + ": is missing");
  }
  Json json = to_json(sample_status());
  json["members"][1]["packets"]["miss"] = -1;
  EXPECT_THAT(read_status(json).error().message, HasSubstr("packets.miss"));
  json["members"][1]["packets"]["miss"] = 1;
  json["members"][1]["later"] = "a newer daemon tells more";
  EXPECT_TRUE(read_status(json));
}

TEST(Protocol, the_interface_is_well_formed_and_describes_every_reply) {
  ASSERT_TRUE(Idl::parse(kVarlinkServiceDescription))
      << Idl::parse(kVarlinkServiceDescription).error().text();
  const auto parsed = Idl::parse(kControlDescription);
  ASSERT_TRUE(parsed) << parsed.error().text();
  const Idl& idl = *parsed;
  EXPECT_EQ(idl.interface, kControlInterface);
  const auto expect = [&](const IdlType& type, const Json& value, const std::string& what) {
    EXPECT_EQ(idl.mismatch(type, value, what), "");
  };
  expect(idl.methods.at("GetStatus").out, to_json(sample_status()), "GetStatus");
  expect(idl.methods.at("GetStats").out, to_json(sample_stats()), "GetStats");
  expect(idl.methods.at("Plan").out, to_json(sample_plan()), "Plan");
  expect(idl.methods.at("TuneVerify").out, to_json(sample_verified()), "TuneVerify");
  expect(idl.methods.at("SuggestTxCoalesce").out, to_json(sample_suggestion()), "SuggestTxCoalesce");
  expect(idl.methods.at("GetNapi").out, to_json(sample_napi_status()), "GetNapi");
  expect(idl.methods.at("WatchPolls").out, to_json(sample_polls()), "WatchPolls");
  for (const char* method : {"TunePlan", "TuneStatus", "TuneApply", "TuneRevert", "SetNapi"})
    expect(idl.methods.at(method).out, to_json(sample_tuning()), method);
  for (const GuestReport& guest : sample_guests()) expect(idl.types.at("Guest"), to_json(guest), "Guest");
  for (const FdbReport& row : sample_fdb()) expect(idl.types.at("FdbRow"), to_json(row), "FdbRow");
  for (const PortReport& port : sample_ports()) expect(idl.types.at("Port"), to_json(port), "Port");
  expect(idl.methods.at("AddGuest").in, to_json(sample_guests()[1].guest), "AddGuest");
  for (const auto& [name, type] : idl.errors)
    expect(type, error_reply(Error{"m", "r", 0}).parameters, "error " + name);
  // Each error of the protocol is declared.
  for (const std::string_view name : {kFailed, kNotFound, kAlreadyExists, kTableFull, kInvalidArgument,
                                      kNotPermitted, kBadRequest, kTooManyClients})
    EXPECT_TRUE(idl.errors.contains(std::string(name.substr(kControlInterface.size() + 1)))) << name;
  // The enums are those of the values.
  const auto names = [&](const IdlType& type) {
    std::vector<std::string> all;
    for (const auto& [name, nothing] : type.fields) all.push_back(name);
    return all;
  };
  EXPECT_THAT(names(idl.types.at("PortState")), testing::ElementsAreArray(names_of<PortState>()));
}

TEST(Protocol, the_reader_of_definitions_sees_what_is_wrong) {
  const auto idl =
      Idl::parse("interface a.b\ntype T (a: int, b: ?string, c: []bool, d: (x, y))\nmethod M() -> (t: T)");
  ASSERT_TRUE(idl) << idl.error().text();
  const IdlType& type = idl->types.at("T");
  EXPECT_EQ(idl->mismatch(type, {{"a", 1}, {"c", {true}}, {"d", "x"}}, "T"), "");
  for (const Json& wrong :
       {Json({{"c", {true}}, {"d", "x"}}), Json({{"a", "1"}, {"c", {true}}, {"d", "x"}}),
        Json({{"a", 1}, {"c", {1}}, {"d", "x"}}), Json({{"a", 1}, {"c", {true}}, {"d", "z"}}),
        Json({{"a", 1}, {"c", {true}}, {"d", "x"}, {"e", 1}})})
    EXPECT_NE(idl->mismatch(type, wrong, "T"), "") << wrong;
  EXPECT_FALSE(Idl::parse("interface a.b\nmethod m() -> ()"));
  EXPECT_FALSE(Idl::parse("interface a.b\nmethod M( -> ()"));
}

TEST(ReportNames, every_value_has_a_name_and_comes_back_from_it) {
  for (size_t i = 0; i < names_of<PortState>().size(); ++i) {
    const auto state = static_cast<PortState>(i);
    EXPECT_EQ(from_name<PortState>(name_of(state)), state);
    EXPECT_NE(help_of(state), "unknown");
  }
  EXPECT_EQ(name_of(PortState::kPending), "pending");
  EXPECT_EQ(name_of(GuestSource::kEphemeral), "ephemeral");
  EXPECT_EQ(name_of(static_cast<PortState>(99)), "unknown");
  EXPECT_EQ(reasons()[XDPFWD_REASON_FORWARDED].name, "forwarded");
  EXPECT_EQ(verdict_of_reason(XDPFWD_REASON_FORWARDED), "redirect");
  EXPECT_EQ(verdict_of_reason(XDPFWD_REASON_RUNT), "drop");
  EXPECT_EQ(verdict_of_reason(XDPFWD_REASON_MISS), "pass");
  EXPECT_EQ(losses()[XDPFWD_LOSS_TOO_LONG].name, "too_long");
}

}  // namespace
}  // namespace xdpfwd

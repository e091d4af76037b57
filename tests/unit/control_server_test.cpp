// SPDX-License-Identifier: BSD-2-Clause
// What each method answers, and how each wrong parameter is refused. The socket is varlink_server_test's.
#include "shell/control_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/napi_json.h"
#include "core/report_json.h"
#include "support/fake_control.h"
#include "support/varlink_idl.h"

namespace xdpfwd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ControlServerTest : public testing::Test {
 protected:
  Reply ask(std::string_view method, Json parameters = Json::object()) {
    const auto source = answer(
        control, version, {fmt::format("{}.{}", kControlInterface, method), std::move(parameters)}, writer);
    Reply reply = source();
    while (reply.wait_ms) reply = source();
    return reply;
  }
  std::vector<Reply> ask_more(std::string_view method) {
    const auto source = answer(
        control, version, {fmt::format("{}.{}", kControlInterface, method), Json::object(), true}, writer);
    std::vector<Reply> replies;
    do replies.push_back(source());
    while (replies.back().continues);
    return replies;
  }
  static Json guest() {
    return {{"name", "new"}, {"tap", "tap9"}, {"macs", {"52:54:00:00:00:99"}}, {"vlans", {7, 8}}};
  }

  FakeControl control;
  std::string version = "1.2.3";
  Peer writer{.uid = 0, .gid = 0, .pid = 1, .may_write = true};
};

TEST_F(ControlServerTest, reads_answer_with_the_reports) {
  EXPECT_EQ(ask("GetVersion").parameters, (Json{{"version", "1.2.3"}, {"abi", XDPFWD_ABI_VERSION}}));
  EXPECT_EQ(ask("GetStatus").parameters, to_json(sample_status()));
  EXPECT_EQ(ask("GetStats").parameters, to_json(sample_stats()));
  EXPECT_EQ(ask("Plan").parameters, to_json(sample_plan()));
  EXPECT_EQ(ask("TunePlan").parameters, to_json(sample_tuning()));
  EXPECT_EQ(ask("TuneStatus").parameters, to_json(sample_tuning()));
  EXPECT_EQ(ask("TuneApply", {{"dry_run", true}}).parameters, to_json(sample_tuning()));
  EXPECT_EQ(control.tunings, 0U);
  EXPECT_EQ(ask("GetNapi").parameters, to_json(sample_napi_status()));
  EXPECT_EQ(ask("ListGuests").parameters["guests"].size(), 3U);
  EXPECT_EQ(ask("ListPorts").parameters["ports"][2], to_json(sample_ports()[2]));
  EXPECT_EQ(ask("ListFdb").parameters["rows"][1], to_json(sample_fdb()[1]));
}

TEST_F(ControlServerTest, a_mode_of_napi_is_set_and_given_up) {
  EXPECT_EQ(ask("SetNapi", {{"mode", "softirq, 0-1 auto"}}).parameters, to_json(sample_tuning()));
  ASSERT_TRUE(control.napi);
  EXPECT_EQ(text_of(*control.napi), "softirq, 0-1 auto");
  const Reply wrong = ask("SetNapi", {{"mode", "softirq, 0-1 fast"}});
  EXPECT_EQ(wrong.error, kInvalidArgument);
  EXPECT_EQ(wrong.parameters["parameter"], "mode");
  EXPECT_TRUE(control.napi);
  EXPECT_EQ(ask("SetNapi").error, "");
  EXPECT_FALSE(control.napi);
}

TEST_F(ControlServerTest, every_method_of_the_interface_answers_as_it_says) {
  const auto idl = Idl::parse(kControlDescription);
  ASSERT_TRUE(idl);
  const std::map<std::string, Json> parameters = {
      {"LookupFdb", {{"vlan", 100}, {"mac", "52:54:00:00:00:01"}}},
      {"AddGuest", guest()},
      {"DeleteGuest", {{"name", "vm2"}}},
      {"Detach", {{"members", {"eth0"}}}},
      {"SuggestTxCoalesce", {{"member", "eth0"}}},
  };
  for (const auto& [name, method] : idl->methods) {
    const auto given = parameters.find(name);
    const Json in = given == parameters.end() ? Json::object() : given->second;
    EXPECT_EQ(idl->mismatch(method.in, in, name), "");
    const Reply reply = ask(name, in);
    EXPECT_EQ(reply.error, "") << name << reply.parameters;
    EXPECT_EQ(idl->mismatch(method.out, reply.parameters, name), "");
    // And takes nothing else.
    Json more = in;
    more["unheard_of"] = 1;
    const Reply refusal = ask(name, more);
    EXPECT_EQ(refusal.error, kInvalidArgument) << name;
    EXPECT_EQ(refusal.parameters["parameter"], "unheard_of");
    EXPECT_EQ(idl->mismatch(idl->errors.at("InvalidArgument"), refusal.parameters, name), "");
  }
}

TEST_F(ControlServerTest, lookup_finds_one_row_or_says_what_happens_instead) {
  const Json row =
      ask("LookupFdb", {{"vlan", 100}, {"tpid", "802.1ad"}, {"mac", "52:54:00:00:00:02"}}).parameters["row"];
  EXPECT_EQ(row["tap"], "tap2");
  const Reply none = ask("LookupFdb", {{"vlan", 100}, {"mac", "52:54:00:00:00:02"}});
  EXPECT_EQ(none.error, kNotFound);
  EXPECT_THAT(none.parameters["message"], HasSubstr("VLAN 100, MAC 52:54:00:00:00:02 is not in the table"));
}

TEST_F(ControlServerTest, guests_are_added_as_they_are_written) {
  Json parameters = guest();
  parameters.update({{"tpid", "802.1ad"}, {"mode", "trunk"}, {"ephemeral", true}});
  ASSERT_EQ(ask("AddGuest", parameters).error, "");
  const GuestReport& added = control.guest_list.back();
  EXPECT_EQ(added.guest.name, "new");
  EXPECT_EQ(added.guest.tap.view(), "tap9");
  EXPECT_THAT(added.guest.macs, ElementsAre(*MacAddress::parse("52:54:00:00:00:99")));
  EXPECT_THAT(added.guest.vlans, ElementsAre(*VlanTag::make(7, VlanTag::Tpid::k8021ad),
                                             *VlanTag::make(8, VlanTag::Tpid::k8021ad)));
  EXPECT_TRUE(added.guest.keep_tag);
  EXPECT_EQ(added.source, GuestSource::kEphemeral);
}

TEST_F(ControlServerTest, a_dry_run_says_the_same_and_does_nothing) {
  Json parameters = guest();
  parameters["dry_run"] = true;
  EXPECT_EQ(ask("AddGuest", parameters).error, "");
  parameters["name"] = "vm1";
  const Reply taken = ask("AddGuest", parameters);
  EXPECT_EQ(taken.error, kAlreadyExists);
  EXPECT_THAT(taken.parameters["message"],
              HasSubstr("the name is already taken by the guest at /etc/xdpfwd/xdpfwd.toml:4:1"));
  EXPECT_EQ(control.guest_list.size(), 3U);
}

TEST_F(ControlServerTest, every_wrong_parameter_is_named) {
  struct Wrong {
    std::string method;
    std::string key;
    Json value;
    std::string says;
  };
  for (const Wrong& wrong : std::vector<Wrong>{
           {"AddGuest", "name", nullptr, "is missing"},
           {"AddGuest", "name", "a b", "not a guest name"},
           {"AddGuest", "name", std::string(65, 'x'), "too long"},
           {"AddGuest", "name", 3, "must be a string, not an integer"},
           {"AddGuest", "tap", "a/b", "not an interface name"},
           {"AddGuest", "macs", "52:54:00:00:00:01", "must be an array, not a string"},
           {"AddGuest", "macs", Json::array(), "is empty"},
           {"AddGuest", "macs", {"01:00:5e:00:00:01"}, "is a multicast"},
           {"AddGuest", "macs", {1}, "macs[0] must be a string"},
           {"AddGuest", "vlans", {4095}, "VLAN 4095"},
           {"AddGuest", "vlans", {-1}, "VLAN -1"},
           {"AddGuest", "vlans", {"100"}, "vlans[0] must be an integer"},
           {"AddGuest", "vlans", {1.5}, "vlans[0] must be an integer"},
           {"AddGuest", "tpid", "802.1x", "tpid cannot be"},
           {"AddGuest", "mode", "trunc", "mode cannot be 'trunc'"},
           {"AddGuest", "ephemeral", "yes", "must be true or false"},
           {"LookupFdb", "vlan", 4095, "VLAN 4095"},
           {"LookupFdb", "vlan", nullptr, "is missing"},
           {"LookupFdb", "mac", "52", "not a MAC"},
           {"DeleteGuest", "name", nullptr, "is missing"},
           {"Detach", "members", {"a b"}, "not an interface name"},
           {"Detach", "members", nullptr, "neither members nor 'all'"},
           {"Detach", "all", true, "cannot be together"},
       }) {
    Json parameters = wrong.method == "AddGuest"    ? guest()
                      : wrong.method == "LookupFdb" ? Json{{"vlan", 1}, {"mac", "52:54:00:00:00:01"}}
                      : wrong.method == "Detach"    ? Json{{"members", {"eth0"}}}
                                                    : Json{{"name", "vm1"}};
    parameters[wrong.key] = wrong.value;
    const Reply reply = ask(wrong.method, parameters);
    EXPECT_EQ(reply.error, kInvalidArgument) << parameters;
    EXPECT_THAT(reply.parameters.value("message", ""), HasSubstr(wrong.says)) << parameters;
    EXPECT_TRUE(reply.parameters.contains("parameter"));
  }
  EXPECT_EQ(control.guest_list.size(), 3U);
  EXPECT_THAT(control.detached, IsEmpty());
}

TEST_F(ControlServerTest, what_the_daemon_refuses_comes_back_typed_with_its_remedy) {
  for (const auto& [code, name] : {std::pair{ENOSPC, kTableFull}, {EEXIST, kAlreadyExists}, {0, kFailed}}) {
    control.failure = Error{"the table is full", "raise fdb.max_entries", code};
    for (const std::string_view method : {"GetStats", "Plan", "Reload"}) {
      const Reply reply = ask(method);
      EXPECT_EQ(reply.error, name);
      EXPECT_EQ(reply.parameters,
                (Json{{"message", "the table is full"}, {"remedy", "raise fdb.max_entries"}}));
    }
    EXPECT_EQ(ask("AddGuest", guest()).error, name);
    EXPECT_EQ(ask("Detach", {{"all", true}}).error, name);
  }
}

TEST_F(ControlServerTest, writes_need_the_right_to_write) {
  writer.may_write = false;
  writer.uid = 1000;
  for (const auto& [method, parameters] : {std::pair<std::string, Json>{"AddGuest", guest()},
                                           {"DeleteGuest", {{"name", "vm1"}}},
                                           {"Reload", Json::object()},
                                           {"TuneApply", Json::object()},
                                           {"TuneRevert", Json::object()},
                                           {"Detach", {{"all", true}}}}) {
    const Reply reply = ask(method, parameters);
    EXPECT_EQ(reply.error, kNotPermitted);
    EXPECT_THAT(reply.parameters["message"], HasSubstr("user 1000 may not call " + method));
    EXPECT_THAT(reply.parameters["remedy"], HasSubstr("member of the control socket's group"));
  }
  EXPECT_EQ(control.guest_list.size(), 3U);
  EXPECT_EQ(control.reloads, 0U);
  EXPECT_EQ(ask("GetStatus").error, "");
}

TEST_F(ControlServerTest, detach_says_which_members) {
  EXPECT_EQ(ask("Detach", {{"members", {"eth0", "eth1"}}}).error, "");
  EXPECT_EQ(ask("Detach", {{"all", true}}).error, "");
  ASSERT_EQ(control.detached.size(), 2U);
  EXPECT_EQ(control.detached[0].size(), 2U);
  EXPECT_THAT(control.detached[1], IsEmpty());
}

TEST_F(ControlServerTest, long_lists_come_in_pieces_and_only_when_asked_so) {
  control.made_up_rows = 2 * kEntriesPerReply + 1;
  EXPECT_EQ(ask("ListFdb").error, "org.varlink.service.ExpectedMore");
  const auto replies = ask_more("ListFdb");
  ASSERT_EQ(replies.size(), 3U);
  uint64_t expected = 0;
  for (const Reply& reply : replies) {
    const auto rows = read_fdb(reply.parameters);
    ASSERT_TRUE(rows);
    for (const FdbReport& row : *rows) EXPECT_EQ(row.key.packed, expected++);
  }
  EXPECT_EQ(expected, control.made_up_rows);
  // Exactly full: nothing follows.
  control.made_up_rows = kEntriesPerReply;
  EXPECT_EQ(ask_more("ListFdb").size(), 1U);
  EXPECT_EQ(ask("ListFdb").error, "");

  control.guest_list.assign(kEntriesPerReply + 1, sample_guests()[0]);
  EXPECT_EQ(ask("ListGuests").error, "org.varlink.service.ExpectedMore");
  EXPECT_EQ(ask_more("ListGuests").size(), 2U);
  control.guest_list.clear();
  EXPECT_EQ(ask_more("ListGuests").size(), 1U);
}

TEST_F(ControlServerTest, describes_itself_as_varlink_wants_it) {
  const auto service = [&](std::string method, Json parameters = Json::object()) {
    return answer(control, version, {"org.varlink.service." + method, std::move(parameters)}, writer)();
  };
  EXPECT_EQ(service("GetInfo").parameters["version"], "1.2.3");
  EXPECT_THAT(service("GetInfo").parameters["interfaces"],
              ElementsAre("org.varlink.service", "org.xdpfwd.Control"));
  EXPECT_EQ(
      service("GetInterfaceDescription", {{"interface", "org.xdpfwd.Control"}}).parameters["description"],
      kControlDescription);
  EXPECT_EQ(service("GetInterfaceDescription", {{"interface", "a.b"}}).error,
            "org.varlink.service.InterfaceNotFound");
  EXPECT_EQ(service("GetInterfaceDescription").error, "org.varlink.service.InvalidParameter");
  EXPECT_EQ(service("GetInfo", {{"x", 1}}).parameters["parameter"], "x");
  EXPECT_EQ(service("Nothing").error, "org.varlink.service.MethodNotFound");
  EXPECT_EQ(ask("Nothing").error, "org.varlink.service.MethodNotFound");
  EXPECT_EQ(answer(control, version, {"a.b.C"}, writer)().error, "org.varlink.service.InterfaceNotFound");
  EXPECT_EQ(answer(control, version, {"a."}, writer)().error, "org.varlink.service.InterfaceNotFound");
}

}  // namespace
}  // namespace xdpfwd

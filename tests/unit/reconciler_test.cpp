// SPDX-License-Identifier: BSD-2-Clause
// The reconciler on a kernel that refuses, fails half-way and changes under it.
#include "shell/reconciler.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/fake_kernel.h"

namespace xdpfwd::test {
namespace {

InterfaceName name(const std::string& text) {
  return InterfaceName::parse(text).value();
}

class ReconcilerTest : public testing::Test {
 protected:
  void SetUp() override {
    kernel_.state.links = {
        {.ifindex = 1,
         .name = name("eth0"),
         .mtu = 1500,
         .admin_up = true,
         .lower_up = true,
         .vlan_hint = true,
         .rxvlan = true},
        {.ifindex = 2,
         .name = name("tap0"),
         .kind = LinkKind::kTap,
         .mtu = 1500,
         .admin_up = true,
         .lower_up = true},
        {.ifindex = 3,
         .name = name("tap1"),
         .kind = LinkKind::kTap,
         .mtu = 1500,
         .admin_up = true,
         .lower_up = true},
    };
    reconciler_.set_intent(intent());
  }
  static Intent intent(VlanTagSource vlan_tag = VlanTagSource::kAuto, uint32_t max_entries = 100) {
    const Settings settings{.devices = {name("eth0")}, .vlan_tag = vlan_tag, .max_entries = max_entries};
    std::vector<Guest> guests;
    for (uint64_t i = 0; i < 2; ++i)
      guests.push_back({.name = "vm" + std::to_string(i),
                        .tap = name("tap" + std::to_string(i)),
                        .macs = {MacAddress::from_bits(0x525400000000 + i)},
                        .vlans = {VlanTag::make(100).value()}});
    return make_intent(settings, guests).value();
  }
  void reconcile() { ASSERT_TRUE(reconciler_.reconcile(now_ms_)); }
  std::string problems() const {
    std::string text;
    for (const Problem& problem : reconciler_.problems(now_ms_))
      text += problem.thing + ": " + problem.why + "; " + problem.remedy + "\n";
    return text;
  }
  Link& link(size_t index) { return kernel_.state.links.at(index); }

  FakeKernel kernel_;
  Reconciler reconciler_{kernel_, [](const Action&, const Outcome&) {}};
  uint64_t now_ms_ = 1000;
};

TEST_F(ReconcilerTest, ConvergesAndThenDoesNothing) {
  reconcile();
  EXPECT_EQ(kernel_.state.table.rows.size(), 2U);
  ASSERT_EQ(kernel_.state.members.size(), 1U);
  EXPECT_EQ(kernel_.state.members[0].flavour, Flavour::kHint);
  EXPECT_TRUE(reconciler_.problems(now_ms_).empty()) << problems();
  EXPECT_FALSE(reconciler_.look_again_at_ms());
  const size_t steps = kernel_.applied.size();
  reconcile();
  EXPECT_EQ(kernel_.applied.size(), steps);
  EXPECT_EQ(kernel_.observations_with_rows, 1U) << "the rows are read once, at adoption";
  ASSERT_TRUE(reconciler_.audit(now_ms_));
  EXPECT_EQ(kernel_.observations_with_rows, 2U);
}

TEST_F(ReconcilerTest, ACheckLooksFurtherOnlyWhenTheMembersOrTheTableDiffer) {
  reconcile();
  const size_t looks = kernel_.looks;
  EXPECT_EQ(reconciler_.check(now_ms_), Result<bool>(false));
  EXPECT_EQ(kernel_.looks, looks);
  kernel_.state.members[0].program = ProgramState::kGone;  // somebody took it off
  EXPECT_EQ(reconciler_.check(now_ms_), Result<bool>(true));
  EXPECT_EQ(kernel_.state.members[0].program, ProgramState::kCurrent);
  kernel_.state.table = {};  // and unpinned the table
  kernel_.state.watching = false;
  EXPECT_EQ(reconciler_.check(now_ms_), Result<bool>(true));
  EXPECT_EQ(kernel_.state.table.rows.size(), 2U);
  EXPECT_TRUE(kernel_.state.watching);
  EXPECT_EQ(reconciler_.check(now_ms_), Result<bool>(false));
}

TEST_F(ReconcilerTest, ARefusedHintIsAnsweredByTheTagInTheFrame) {
  kernel_.fault = [](State&, const Action& action, size_t) -> std::optional<Error> {
    const auto* attach = std::get_if<AttachMember>(&action);
    if (attach && attach->member.flavour == Flavour::kHint)
      return Error{.message = "no such kfunc", .code = EINVAL};
    return std::nullopt;
  };
  reconcile();
  ASSERT_EQ(kernel_.state.members.size(), 1U);
  EXPECT_EQ(kernel_.state.members[0].flavour, Flavour::kFrame);
  EXPECT_FALSE(link(0).rxvlan) << "turned off before the program looks into the frame";
  EXPECT_TRUE(reconciler_.problems(now_ms_).empty()) << problems();
  EXPECT_FALSE(reconciler_.look_again_at_ms()) << "there is nothing to wait for";
}

TEST_F(ReconcilerTest, ARefusedNicIsToldAndTriedAgainWithPatience) {
  bool refuse = true;
  size_t tries = 0;
  kernel_.fault = [&](State&, const Action& action, size_t) -> std::optional<Error> {
    if (!refuse || !std::holds_alternative<AttachMember>(action)) return std::nullopt;
    ++tries;
    return Error{.message = "eth0 does not take the XDP program",
                 .remedy = "ip link set dev eth0 xdp off",
                 .code = EBUSY};
  };
  reconcile();
  EXPECT_EQ(tries, 2U) << "once for each flavour";
  EXPECT_TRUE(kernel_.state.members.empty());
  EXPECT_NE(problems().find("xdp off"), std::string::npos) << problems();
  ASSERT_TRUE(reconciler_.look_again_at_ms());
  uint64_t wait = *reconciler_.look_again_at_ms() - now_ms_;
  EXPECT_EQ(wait, 1000U);
  EXPECT_EQ(kernel_.state.table.rows.size(), 2U) << "one NIC's refusal keeps nothing else from being ready";
  for (int i = 0; i < 10; ++i) {
    now_ms_ = *reconciler_.look_again_at_ms();
    reconcile();
    const uint64_t next = *reconciler_.look_again_at_ms() - now_ms_;
    EXPECT_LE(next, 60'000U);
    EXPECT_GE(next, wait);
    wait = next;
  }
  refuse = false;
  now_ms_ = *reconciler_.look_again_at_ms();
  reconcile();
  EXPECT_EQ(kernel_.state.members.size(), 1U);
  EXPECT_FALSE(reconciler_.look_again_at_ms());
}

TEST_F(ReconcilerTest, AChangedNicIsTriedAtOnce) {
  bool refuse = true;
  kernel_.fault = [&](State&, const Action& action, size_t) -> std::optional<Error> {
    if (refuse && std::holds_alternative<AttachMember>(action))
      return Error{.message = "MTU", .code = ERANGE};
    return std::nullopt;
  };
  reconcile();
  refuse = false;
  link(0).mtu = 1400;
  reconcile();
  EXPECT_EQ(kernel_.state.members.size(), 1U);
}

TEST_F(ReconcilerTest, WhatFailsHalfWayIsFinishedLater) {
  for (size_t failing = 0; failing < 12; ++failing) {
    FakeKernel kernel;
    kernel.state.links = kernel_.state.links;
    kernel.fault = [&](State&, const Action&, size_t nth) -> std::optional<Error> {
      if (nth == failing) return Error{.message = "out of memory", .code = ENOMEM};
      return std::nullopt;
    };
    Reconciler reconciler(kernel, [](const Action&, const Outcome&) {});
    reconciler.set_intent(intent());
    uint64_t now = 0;
    for (int round = 0; round < 4; ++round) {
      ASSERT_TRUE(reconciler.reconcile(now));
      if (!reconciler.look_again_at_ms()) break;
      now = *reconciler.look_again_at_ms();
    }
    EXPECT_EQ(kernel.state.table.rows.size(), 2U) << failing;
    EXPECT_EQ(kernel.state.members.size(), 1U) << failing;
    EXPECT_TRUE(reconciler.problems(now).empty()) << failing;
  }
}

TEST_F(ReconcilerTest, ATapThatVanishesBetweenTwoStepsIsNoDisaster) {
  kernel_.fault = [](State& state, const Action& action, size_t) -> std::optional<Error> {
    if (std::holds_alternative<OpenPort>(action) && std::get<OpenPort>(action).port.name == name("tap0"))
      std::erase_if(state.links, [](const Link& l) { return l.name == name("tap0"); });
    return std::nullopt;
  };
  reconcile();
  now_ms_ += 10'000;
  reconcile();
  EXPECT_EQ(kernel_.state.table.rows.size(), 1U);
  EXPECT_EQ(kernel_.state.members.size(), 1U);
}

TEST_F(ReconcilerTest, RowsThatFailedAreReadBack) {
  reconcile();
  kernel_.fault = [](State&, const Action& action, size_t) -> std::optional<Error> {
    if (std::holds_alternative<SetRows>(action)) return Error{.message = "no memory", .code = ENOMEM};
    return std::nullopt;
  };
  kernel_.state.table.rows.clear();  // somebody else's doing, seen by an audit
  ASSERT_TRUE(reconciler_.audit(now_ms_));
  EXPECT_NE(problems().find("no memory"), std::string::npos);
  kernel_.fault = nullptr;
  now_ms_ = *reconciler_.look_again_at_ms();
  reconcile();
  EXPECT_EQ(kernel_.state.table.rows.size(), 2U);
}

// Slots run out: the reader is told, and a slot is given to another name only after its rows are gone.
TEST_F(ReconcilerTest, SlotsAreReusedWhenNobodyWantsTheirNames) {
  kernel_.state.links.resize(1);
  std::vector<Guest> guests;
  for (uint32_t i = 0; i < XDPFWD_MAX_PORTS; ++i) {
    kernel_.state.links.push_back({.ifindex = 10 + i,
                                   .name = name("old" + std::to_string(i)),
                                   .kind = LinkKind::kTap,
                                   .mtu = 1500,
                                   .admin_up = true,
                                   .lower_up = true});
    guests.push_back({.name = "vm" + std::to_string(i),
                      .tap = name("old" + std::to_string(i)),
                      .macs = {MacAddress::from_bits(0x525400000000 + i)},
                      .vlans = {VlanTag()}});
  }
  const Settings settings{.devices = {name("eth0")}};
  reconciler_.set_intent(make_intent(settings, guests).value());
  reconcile();
  EXPECT_EQ(kernel_.state.ports.size(), size_t{XDPFWD_MAX_PORTS});
  kernel_.state.links.push_back({.ifindex = 9000,
                                 .name = name("new0"),
                                 .kind = LinkKind::kTap,
                                 .mtu = 1500,
                                 .admin_up = true,
                                 .lower_up = true});
  guests.push_back({.name = "new",
                    .tap = name("new0"),
                    .macs = {MacAddress::from_bits(0x525410000000)},
                    .vlans = {VlanTag()}});
  reconciler_.set_intent(make_intent(settings, guests).value());
  reconcile();
  EXPECT_NE(problems().find("slots are taken"), std::string::npos);
  const uint32_t given_up = std::ranges::find(kernel_.state.ports, guests[5].tap, &Port::name)->slot;
  guests.erase(guests.begin() + 5);
  kernel_.applied.clear();
  reconciler_.set_intent(make_intent(settings, guests).value());
  reconcile();
  const auto port = std::ranges::find(kernel_.state.ports, name("new0"), &Port::name);
  ASSERT_NE(port, kernel_.state.ports.end());
  EXPECT_EQ(port->slot, given_up);
  // Between closing the slot and opening it under another name: the rows went, and a grace period passed.
  std::vector<std::string> order;
  for (const Action& action : kernel_.applied) {
    if (std::holds_alternative<DeleteRows>(action)) order.emplace_back("delete");
    if (std::holds_alternative<ClosePort>(action)) order.emplace_back("close");
    if (std::holds_alternative<AwaitGrace>(action)) order.emplace_back("grace");
    if (const auto* open = std::get_if<OpenPort>(&action); open && open->port.slot == given_up)
      order.emplace_back("open");
  }
  EXPECT_EQ(order, (std::vector<std::string>{"delete", "close", "grace", "open"}));
}

}  // namespace
}  // namespace xdpfwd::test

// SPDX-License-Identifier: BSD-2-Clause
// What the intent compiles to, where that depends on the devices around: bridges behind the uplink, and NICs
// that filter.
#include "core/compile.h"

#include <gtest/gtest.h>

#include "core/plan.h"
#include "support/step.h"

namespace xdpfwd::test {
namespace {

InterfaceName name(const std::string& text) {
  return InterfaceName::parse(text).value();
}

class CompileTest : public testing::Test {
 protected:
  // bond0 over eth0, br0 and br1, a VLAN device on the bond, a tap; nothing is in a bridge yet.
  CompileTest() {
    observed_.links = {
        {.ifindex = 1,
         .name = name("eth0"),
         .mtu = 1500,
         .admin_up = true,
         .master = 2,
         .bond_member = true,
         .bond_active = true},
        {.ifindex = 2, .name = name("bond0"), .kind = LinkKind::kBond, .kind_text = "bond"},
        {.ifindex = 3, .name = name("br0"), .kind_text = "bridge"},
        {.ifindex = 4, .name = name("br1"), .kind_text = "bridge"},
        {.ifindex = 5, .name = name("bond0.7"), .kind_text = "vlan", .lower = 2},
        {.ifindex = 6,
         .name = name("tap0"),
         .kind = LinkKind::kTap,
         .kind_text = "tun",
         .mtu = 1500,
         .admin_up = true,
         .lower_up = true},
    };
  }
  Link& link(uint32_t ifindex) { return observed_.links[ifindex - 1]; }
  Desired compiled() const {
    const Guest guest{.name = "vm0",
                      .tap = name("tap0"),
                      .macs = {MacAddress::from_bits(0x525400000000)},
                      .vlans = {VlanTag::make(7).value()}};
    return compile(make_intent(settings_, {guest}).value(), observed_, {}, {});
  }
  uint32_t relearn_s() const { return compiled().state.ports.at(0).relearn_s; }
  bool promisc() const { return changes_of(compiled().state, 1).promisc; }
  std::vector<std::string> steps() const {
    std::vector<std::string> texts;
    for (const Action& action : plan(compiled().state, observed_)) texts.push_back(describe(action));
    return texts;
  }

  Settings settings_{.devices = {name("bond0")}, .relearn_s = 60};
  State observed_;
};

TEST_F(CompileTest, RelearnsWhereUplinkAndTapAreInOneBridge) {
  EXPECT_EQ(relearn_s(), 0U);
  link(2).master = 3;
  EXPECT_EQ(relearn_s(), 0U);  // what passes does not get to the tap
  link(6).master = 4;
  EXPECT_EQ(relearn_s(), 0U);
  link(6).master = 3;
  EXPECT_EQ(relearn_s(), 60U);
  link(3).kind_text = "openvswitch";
  EXPECT_EQ(relearn_s(), 60U);
  link(3).kind_text = "vrf";  // it routes
  EXPECT_EQ(relearn_s(), 0U);
}

TEST_F(CompileTest, RelearnsWhereAVlanDeviceOfTheUplinkIsInTheTapsBridge) {
  link(5).master = 4;
  link(6).master = 4;
  EXPECT_EQ(relearn_s(), 60U);
  link(5).lower = 3;
  EXPECT_EQ(relearn_s(), 0U);
}

TEST_F(CompileTest, RelearnsBehindAMemberThatIsNamedItself) {
  settings_.devices = {name("eth0")};
  link(2).master = 3;
  link(6).master = 3;
  EXPECT_EQ(relearn_s(), 60U);
}

TEST_F(CompileTest, RelearnsAsOftenAsAskedFor) {
  link(2).master = 3;
  link(6).master = 3;
  settings_.relearn_s = 0;
  EXPECT_EQ(relearn_s(), 0U);
}

TEST_F(CompileTest, SetsAMemberPromiscuousThatNobodyElseDoes) {
  EXPECT_TRUE(promisc());
  link(1).promiscuity = 1;  // the bridge has
  EXPECT_FALSE(promisc());
  link(1).promiscuity = 0;
  settings_.promisc = false;
  EXPECT_FALSE(promisc());
}

TEST_F(CompileTest, KeepsAndUndoesItsOwnPromisc) {
  const auto settle = [&] {
    for (const Action& action : plan(compiled().state, observed_)) ASSERT_TRUE(step(observed_, action));
  };
  settle();
  EXPECT_TRUE(link(1).promisc);
  EXPECT_EQ(link(1).promiscuity, 1U);
  link(1).promiscuity = 2;  // now a bridge wants it too: ours stays
  EXPECT_TRUE(steps().empty());
  link(1).promisc = false;  // somebody undid ours
  link(1).promiscuity = 0;
  EXPECT_EQ(steps(), std::vector<std::string>{"set eth0 promiscuous"});
  settle();
  settings_.promisc = false;
  EXPECT_EQ(steps(), std::vector<std::string>{"set eth0 no longer promiscuous"});
  settle();
  EXPECT_FALSE(link(1).promisc);
  EXPECT_TRUE(steps().empty());
}

// One NIC, with or without a way to its VLAN tags.
class FlavourTest : public testing::Test {
 protected:
  FlavourTest() {
    observed_.links = {{.ifindex = 1, .name = name("eth0"), .mtu = 1500, .vlan_hint = true, .rxvlan = true}};
  }
  Desired compiled() const { return compile(make_intent(settings_, {}).value(), observed_, refusals_, {}); }
  Flavour flavour() const { return compiled().state.members.at(0).flavour; }
  // Why eth0 is no member, with the remedy; empty if it is one.
  std::string refusal() const {
    const Desired desired = compiled();
    if (!desired.state.members.empty()) return {};
    EXPECT_EQ(desired.problems.at(0).thing, "member eth0");
    return desired.problems.at(0).why + "; " + desired.problems.at(0).remedy;
  }
  void refuse(Flavour flavour) {
    refusals_.push_back(
        {.ifindex = 1, .flavour = flavour, .error = {"refused by the kernel", "buy another", EINVAL}});
  }

  Settings settings_{.devices = {name("eth0")}};
  State observed_;
  std::vector<Refusal> refusals_;
};

TEST_F(FlavourTest, AutoTakesTheHintWhereItCan) {
  EXPECT_EQ(flavour(), Flavour::kHint);
  settings_.xdp_mode = XdpMode::kGeneric;
  EXPECT_EQ(flavour(), Flavour::kFrame);
  settings_.xdp_mode = XdpMode::kNative;
  observed_.links[0].vlan_hint = false;
  EXPECT_EQ(flavour(), Flavour::kFrame);
  observed_.links[0].vlan_hint = true;
  refuse(Flavour::kHint);
  EXPECT_EQ(flavour(), Flavour::kFrame);
  refuse(Flavour::kFrame);
  EXPECT_EQ(refusal(), "refused by the kernel; buy another");
}

TEST_F(FlavourTest, TheHintAskedForIsNotReplaced) {
  settings_.vlan_tag = VlanTagSource::kHint;
  EXPECT_EQ(flavour(), Flavour::kHint);
  refuse(Flavour::kHint);
  EXPECT_EQ(refusal(), "refused by the kernel; buy another");
  observed_.links[0].vlan_hint = false;
  EXPECT_EQ(refusal(),
            "its driver does not give XDP the VLAN tag; set uplink.vlan_tag = \"auto\" or \"frame\"");
  settings_.xdp_mode = XdpMode::kGeneric;
  EXPECT_EQ(refusal(),
            "VLAN tags come from the descriptor in native XDP only; set uplink.vlan_tag = \"frame\"");
}

TEST_F(FlavourTest, ANicThatAlwaysStripsNeedsTheHint) {
  observed_.links[0].rxvlan_fixed = true;
  EXPECT_EQ(flavour(), Flavour::kHint);
  observed_.links[0].vlan_hint = false;
  const std::string fixed =
      "its driver strips VLAN tags and cannot be told not to (rxvlan is fixed on); use a NIC whose rxvlan "
      "can be "
      "turned off, or a kernel whose driver gives XDP the tag";
  EXPECT_EQ(refusal(), fixed);
  observed_.links[0].vlan_hint = true;
  settings_.vlan_tag = VlanTagSource::kFrame;
  EXPECT_EQ(refusal(), fixed);
  observed_.links[0].rxvlan = false;  // fixed off: it never strips
  EXPECT_EQ(flavour(), Flavour::kFrame);
}

TEST_F(CompileTest, ATapBeyondTheLastSlotIsRefused) {
  for (uint32_t slot = 0; slot < XDPFWD_MAX_PORTS; ++slot)
    observed_.ports.push_back(
        {.slot = slot, .name = name("t" + std::to_string(slot)), .ifindex = 100 + slot, .max_len = 1518});
  const Desired refused = compiled();
  EXPECT_EQ(refused.tap_states.at(0), PortState::kNoSlot);
  EXPECT_TRUE(refused.state.ports.empty());
  EXPECT_TRUE(refused.state.table.rows.empty()) << "its frames must pass to the stack";
  EXPECT_EQ(refused.problems.at(0).thing, "port tap0");
  EXPECT_EQ(refused.problems.at(0).why, "all 4096 port slots are taken");
  EXPECT_EQ(refused.problems.at(0).remedy, "remove guests whose taps are not needed");
  // One whose name nobody wants is closed: its slot is free to take.
  observed_.ports[7].ifindex = 0;
  EXPECT_EQ(compiled().state.ports.at(0).slot, 7U);
  // Unless a row still leads there.
  observed_.table.rows = {
      {.key = FdbKey::make(MacAddress::from_bits(0x525400000001), VlanTag::make(7).value()),
       .slot = 7,
       .flags = 0}};
  EXPECT_EQ(compiled().tap_states.at(0), PortState::kNoSlot);
}

TEST_F(CompileTest, AMemberBeyondTheLastSlotIsRefused) {
  settings_.devices = {name("eth0")};
  for (uint32_t slot = 0; slot < XDPFWD_MAX_MEMBERS; ++slot)
    observed_.members.push_back(
        {.slot = slot, .ifindex = 100 + slot, .name = name("m" + std::to_string(slot))});
  const Desired refused = compiled();
  EXPECT_TRUE(refused.state.members.empty());
  EXPECT_EQ(refused.problems.at(0).thing, "member eth0");
  EXPECT_EQ(refused.problems.at(0).why, "all 64 member slots are taken");
  EXPECT_EQ(refused.problems.at(0).remedy, "name fewer devices in uplink.devices");
  observed_.members.erase(observed_.members.begin() + 5);
  EXPECT_EQ(compiled().state.members.at(0).slot, 5U);
}

// A bond of two NICs that both carry traffic, and what a plan attaches of them.
class AttachTurnsTest : public testing::Test {
 protected:
  AttachTurnsTest() {
    observed_.links = {
        {.ifindex = 1,
         .name = name("eth0"),
         .mtu = 1500,
         .lower_up = true,
         .master = 3,
         .bond_member = true,
         .bond_active = true},
        {.ifindex = 2,
         .name = name("eth1"),
         .mtu = 1500,
         .lower_up = true,
         .master = 3,
         .bond_member = true,
         .bond_active = true},
        {.ifindex = 3, .name = name("bond0"), .kind = LinkKind::kBond, .kind_text = "bond"},
    };
  }
  Link& link(uint32_t ifindex) { return observed_.links[ifindex - 1]; }
  Desired compiled(const std::vector<uint32_t>& settling) const {
    return compile(make_intent({.devices = {name("bond0")}}, {}).value(), observed_, {}, {}, settling);
  }
  // Attaches what may be attached now; the names of what is attached then.
  std::string attach(const std::vector<uint32_t>& settling = {}) {
    for (const Action& action : plan(compiled(settling).state, observed_))
      EXPECT_TRUE(step(observed_, action));
    std::string names;
    for (const Member& member : observed_.members) names += std::string(member.name.view()) + " ";
    return names;
  }

  State observed_;
};

TEST_F(AttachTurnsTest, OneAfterTheOther) {
  EXPECT_EQ(attach(), "eth0 ");
  EXPECT_FALSE(compiled({1}).waits_for_bond) << "eth0 never lost its link";
  link(1).lower_up = false;
  EXPECT_EQ(attach({1}), "eth0 ");
  EXPECT_TRUE(compiled({1}).waits_for_bond);
  link(1).lower_up = true;
  link(1).bond_active = false;  // LACP has not agreed yet
  EXPECT_EQ(attach({1}), "eth0 ");
  link(1).bond_active = true;
  EXPECT_EQ(attach({1}), "eth0 eth1 ");
  EXPECT_FALSE(compiled({1}).waits_for_bond);
}

TEST_F(AttachTurnsTest, NotForeverForOneThatDoesNotComeBack) {
  attach();
  link(1).lower_up = false;
  EXPECT_EQ(attach({1}), "eth0 ");
  EXPECT_EQ(attach({}), "eth0 eth1 ");
}

TEST_F(AttachTurnsTest, FirstThoseThatCarryNothing) {
  link(3).bond_keeps_backups = true;
  link(1).bond_active = true;
  link(2).bond_active = false;
  EXPECT_EQ(attach(), "eth1 ");
  link(2).lower_up = false;
  EXPECT_EQ(attach({2}), "eth1 ");
  link(2).lower_up = true;  // still the backup
  EXPECT_EQ(attach({2}), "eth1 eth0 ");
}

TEST_F(AttachTurnsTest, AtOnceWhereNothingFlows) {
  link(1).bond_active = link(2).bond_active = false;
  EXPECT_EQ(attach(), "eth0 eth1 ");
}

TEST_F(AttachTurnsTest, NicsWithoutABondDoNotWait) {
  for (const uint32_t ifindex : {1U, 2U}) {
    link(ifindex).bond_member = link(ifindex).bond_active = false;
    link(ifindex).master = 0;
  }
  const auto desired =
      compile(make_intent({.devices = {name("eth0"), name("eth1")}}, {}).value(), observed_, {}, {}, {});
  EXPECT_EQ(desired.state.members.size(), 2U);
}

}  // namespace
}  // namespace xdpfwd::test

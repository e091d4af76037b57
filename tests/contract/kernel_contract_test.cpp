// SPDX-License-Identifier: BSD-2-Clause
// One suite, two Kernels: FakeKernel and Linux must answer alike, errors included. What differs here would
// make every test on FakeKernel a lie.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "core/compile.h"
#include "core/plan.h"
#include "kernel/linux_kernel.h"
#include "support/fake_kernel.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

// A Kernel and the means to change the world around it.
class World {
 public:
  virtual ~World() = default;
  virtual Kernel& kernel() = 0;
  virtual uint32_t add_nic(const std::string& name) = 0;
  virtual uint32_t add_tap(const std::string& name) = 0;  // up, with a reader
  virtual void remove_link(const std::string& name) = 0;
  virtual void restart_daemon() = 0;  // a new Kernel object on the same world
};

class FakeWorld final : public World {
 public:
  Kernel& kernel() override { return kernel_; }
  uint32_t add_nic(const std::string& name) override {
    return add({.name = InterfaceName::parse(name).value(),
                .kind_text = "veth",
                .mtu = 1500,
                .admin_up = true,
                .lower_up = true});
  }
  uint32_t add_tap(const std::string& name) override {
    return add({.name = InterfaceName::parse(name).value(),
                .kind = LinkKind::kTap,
                .kind_text = "tun",
                .mtu = 1500,
                .admin_up = true,
                .lower_up = true});
  }
  void remove_link(const std::string& name) override {
    const Link* link = find_link(kernel_.state, InterfaceName::parse(name).value());
    const uint32_t ifindex = link->ifindex;
    std::erase_if(kernel_.state.links, [&](const Link& l) { return l.ifindex == ifindex; });
    for (Port& port : kernel_.state.ports)
      if (port.ifindex == ifindex) port.in_devmap = false;
    for (Member& member : kernel_.state.members)
      if (member.ifindex == ifindex) member.program = ProgramState::kGone;
    std::erase_if(kernel_.state.nics, [&](const NicChanges& nic) { return nic.ifindex == ifindex; });
  }
  void restart_daemon() override {}

 private:
  uint32_t add(Link link) {
    link.ifindex = next_++;
    kernel_.state.links.push_back(link);
    // One queue, without RPS, as veth and tap begin.
    kernel_.tuning.nics.push_back({.ifindex = link.ifindex, .name = link.name, .queues = {{}}});
    kernel_.tuning.settings.push_back({.setting = {link.ifindex, Knob::kRps, 0}, .value = ""});
    return link.ifindex;
  }
  FakeKernel kernel_;
  uint32_t next_ = 1;
};

class LinuxWorld final : public World {
 public:
  LinuxWorld() : bpffs_(enter_sandbox() + "/contract") { restart_daemon(); }
  ~LinuxWorld() override {
    for (const auto& [name, peer] : nics_) run_status("ip link del " + name);
    taps_.clear();
    run_status("rm -rf " + bpffs_);
  }
  Kernel& kernel() override { return *kernel_; }
  uint32_t add_nic(const std::string& name) override {
    add_veth(name, name + "p");
    nics_[name] = name + "p";
    return ifindex_of(name);
  }
  uint32_t add_tap(const std::string& name) override {
    taps_[name] = open_tap(name);
    return ifindex_of(name);
  }
  void remove_link(const std::string& name) override {
    if (taps_.erase(name) == 0) run("ip link del " + name);
    nics_.erase(name);
  }
  void restart_daemon() override {
    kernel_.reset();
    auto opened = LinuxKernel::open(bpffs_);
    if (!opened) throw std::runtime_error(opened.error().text());
    kernel_ = std::move(*opened);
  }

 private:
  std::string bpffs_;
  std::unique_ptr<LinuxKernel> kernel_;
  std::map<std::string, UniqueFd> taps_;
  std::map<std::string, std::string> nics_;
};

class KernelContract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string_view(GetParam()) == "linux") {
      XDPFWD_NEEDS_ROOT();
      world_ = std::make_unique<LinuxWorld>();
    } else {
      world_ = std::make_unique<FakeWorld>();
    }
  }

  State observe(Scope scope = Scope::kWithRows) {
    auto state = world_->kernel().observe(scope);
    EXPECT_TRUE(state) << state.error().text();
    return state ? *state : State{};
  }
  Outcome apply(const Action& action) { return world_->kernel().apply(action); }
  void must(const Action& action) {
    const Outcome outcome = apply(action);
    ASSERT_TRUE(outcome.status) << describe(action) << ": " << outcome.status.error().text();
  }
  static FdbKey key(uint64_t n) {
    return FdbKey::make(MacAddress::from_bits(0x525400000000 + n), VlanTag::make(100).value());
  }
  static InterfaceName name(const std::string& text) { return InterfaceName::parse(text).value(); }
  Port port_of(const std::string& tap, uint32_t slot, uint32_t ifindex) {
    return {.slot = slot, .name = name(tap), .ifindex = ifindex, .max_len = 1518, .in_devmap = true};
  }

  std::unique_ptr<World> world_;
};

TEST_P(KernelContract, NothingIsThereAtFirst) {
  const State state = observe();
  EXPECT_EQ(state.table.capacity, 0U);
  EXPECT_TRUE(state.ports.empty());
  EXPECT_TRUE(state.members.empty());
  EXPECT_FALSE(state.watching);
}

TEST_P(KernelContract, EverythingNeedsATableFirst) {
  const uint32_t tap = world_->add_tap("tap0");
  const uint32_t nic = world_->add_nic("eth0");
  for (const Action& action :
       std::vector<Action>{OpenPort{.port = port_of("tap0", 0, tap)}, ClosePort{.slot = 0, .ifindex = tap},
                           SetRows{{{.key = key(1)}}}, DeleteRows{{key(1)}},
                           AttachMember{{.ifindex = nic, .name = name("eth0")}}, WatchLosses{}}) {
    const Outcome outcome = apply(action);
    ASSERT_FALSE(outcome.status) << describe(action);
    EXPECT_EQ(outcome.status.error().code, ENOENT) << describe(action);
  }
}

TEST_P(KernelContract, RowsAreSetReplacedAndDeleted) {
  must(CreateTable{16});
  EXPECT_EQ(observe().table.capacity, 16U);
  must(SetRows{
      {{.key = key(2), .slot = 1, .flags = 0}, {.key = key(1), .slot = 0, .flags = XDPFWD_FDB_KEEP_TAG}}});
  must(SetRows{{{.key = key(2), .slot = 3, .flags = 0}}});
  const std::vector<FdbRow> expected = {{.key = key(1), .slot = 0, .flags = XDPFWD_FDB_KEEP_TAG},
                                        {.key = key(2), .slot = 3}};
  EXPECT_EQ(observe().table.rows, expected);
  EXPECT_TRUE(observe(Scope::kWithoutRows).table.rows.empty());
  must(DeleteRows{{key(7), key(1), key(8)}});  // some are not there: that is no failure
  EXPECT_EQ(observe().table.rows.size(), 1U);
  must(DeleteRows{{key(7), key(1), key(8)}});
}

TEST_P(KernelContract, KeysKeepTheirVlanKind) {
  must(CreateTable{16});
  std::vector<FdbRow> rows;
  for (const VlanTag vlan : {VlanTag(), VlanTag::make(1).value(), VlanTag::make(4094).value(),
                             VlanTag::make(100, VlanTag::Tpid::k8021ad).value(), VlanTag::make(100).value()})
    rows.push_back({.key = FdbKey::make(MacAddress::from_bits(0xfedcba987654), vlan), .slot = 5});
  must(SetRows{rows});
  std::ranges::sort(rows, {}, &FdbRow::key);
  EXPECT_EQ(observe().table.rows, rows);
}

TEST_P(KernelContract, AFullTableSaysSo) {
  must(CreateTable{4});
  std::vector<FdbRow> rows;
  for (uint64_t i = 0; i < 5; ++i) rows.push_back({.key = key(i)});
  const Outcome outcome = apply(SetRows{rows});
  ASSERT_FALSE(outcome.status);
  EXPECT_EQ(outcome.status.error().code, E2BIG);
  EXPECT_NE(outcome.status.error().remedy.find("fdb.max_entries"), std::string::npos);
}

TEST_P(KernelContract, AnotherTableIsEmptyAndOutdatesPrograms) {
  const uint32_t nic = world_->add_nic("eth0");
  must(CreateTable{4});
  must(SetRows{{{.key = key(1)}}});
  must(AttachMember{{.ifindex = nic, .name = name("eth0")}});
  EXPECT_EQ(observe().members.at(0).program, ProgramState::kCurrent);
  must(CreateTable{64});
  State state = observe();
  EXPECT_EQ(state.table.capacity, 64U);
  EXPECT_TRUE(state.table.rows.empty());
  EXPECT_EQ(state.members.at(0).program, ProgramState::kOutdated);
  must(ReplaceProgram{{.ifindex = nic, .name = name("eth0")}});
  EXPECT_EQ(observe().members.at(0).program, ProgramState::kCurrent);
}

TEST_P(KernelContract, PortsOpenCloseAndKeepTheirName) {
  const uint32_t tap = world_->add_tap("tap0");
  must(CreateTable{4});
  must(OpenPort{.port = port_of("tap0", 3, tap), .reset_counters = true});
  EXPECT_EQ(observe().ports, std::vector<Port>{port_of("tap0", 3, tap)});
  must(ClosePort{.slot = 3, .ifindex = tap});
  const Port closed{.slot = 3, .name = name("tap0")};
  EXPECT_EQ(observe().ports, std::vector<Port>{closed});
  must(ClosePort{.slot = 3, .ifindex = tap});
  must(AwaitGrace{});
}

TEST_P(KernelContract, APortNeedsItsTapUnderItsName) {
  const uint32_t tap = world_->add_tap("tap0");
  must(CreateTable{4});
  for (const Port& port : {port_of("tap1", 0, tap), port_of("tap0", 0, tap + 1000)}) {
    const Outcome outcome = apply(OpenPort{.port = port});
    ASSERT_FALSE(outcome.status);
    EXPECT_EQ(outcome.status.error().code, ENODEV);
  }
  const Outcome outcome = apply(OpenPort{.port = port_of("tap0", XDPFWD_MAX_PORTS, tap)});
  ASSERT_FALSE(outcome.status);
  EXPECT_EQ(outcome.status.error().code, EINVAL);
  EXPECT_TRUE(observe().ports.empty());
}

TEST_P(KernelContract, TheKernelForgetsARemovedTap) {
  const uint32_t tap = world_->add_tap("tap0");
  must(CreateTable{4});
  must(OpenPort{.port = port_of("tap0", 0, tap)});
  world_->remove_link("tap0");
  const State state = observe();
  ASSERT_EQ(state.ports.size(), 1U);
  EXPECT_FALSE(state.ports[0].in_devmap);
  EXPECT_FALSE(state.ports[0].open());
  EXPECT_EQ(state.ports[0].ifindex, tap);
}

TEST_P(KernelContract, MembersAttachChangeAndDetach) {
  const uint32_t nic = world_->add_nic("eth0");
  must(CreateTable{4});
  Member member{.slot = 2, .ifindex = nic, .name = name("eth0"), .active = true};
  must(AttachMember{member});
  EXPECT_EQ(observe().members, std::vector<Member>{member});
  member.active = false;
  member.drop_reflected = true;
  must(SetMember{member});
  EXPECT_EQ(observe().members, std::vector<Member>{member});
  const Outcome again = apply(AttachMember{member});
  ASSERT_FALSE(again.status);
  EXPECT_EQ(again.status.error().code, EBUSY);
  const Outcome early = apply(RemoveTable{});
  ASSERT_FALSE(early.status);
  EXPECT_EQ(early.status.error().code, EBUSY);
  must(DetachMember{.slot = 2, .ifindex = nic, .name = name("eth0")});
  EXPECT_TRUE(observe().members.empty());
  must(DetachMember{.slot = 2, .ifindex = nic, .name = name("eth0")});
  must(RemoveTable{});
  EXPECT_EQ(observe().table.capacity, 0U);
}

TEST_P(KernelContract, AMemberNeedsItsNic) {
  must(CreateTable{4});
  for (const Action& action :
       std::vector<Action>{AttachMember{{.ifindex = 9999, .name = name("nope")}},
                           SetRxVlan{.ifindex = 9999, .name = name("nope"), .on = false},
                           SetPromisc{.ifindex = 9999, .name = name("nope"), .on = true}}) {
    const Outcome outcome = apply(action);
    ASSERT_FALSE(outcome.status);
    EXPECT_EQ(outcome.status.error().code, ENODEV);
  }
  for (const Action& action : std::vector<Action>{ReplaceProgram{{.ifindex = 9999, .name = name("nope")}},
                                                  SetMember{{.ifindex = 9999, .name = name("nope")}}}) {
    const Outcome outcome = apply(action);
    ASSERT_FALSE(outcome.status);
    EXPECT_EQ(outcome.status.error().code, ENOENT);
  }
}

TEST_P(KernelContract, AMemberWhoseNicIsRemovedIsGone) {
  const uint32_t nic = world_->add_nic("eth0");
  must(CreateTable{4});
  must(AttachMember{{.ifindex = nic, .name = name("eth0")}});
  world_->remove_link("eth0");
  ASSERT_EQ(observe().members.size(), 1U);
  EXPECT_EQ(observe().members[0].program, ProgramState::kGone);
  must(DetachMember{.slot = 0, .ifindex = nic, .name = name("eth0")});
  EXPECT_TRUE(observe().members.empty());
}

TEST_P(KernelContract, RxVlanIsSetAndSeen) {
  const uint32_t nic = world_->add_nic("eth0");
  must(SetRxVlan{.ifindex = nic, .name = name("eth0"), .on = true});
  EXPECT_TRUE(find_link(observe(), nic)->rxvlan);
  EXPECT_FALSE(changes_of(observe(), nic).rxvlan_off);
  for (int twice = 0; twice < 2; ++twice) {
    must(SetRxVlan{.ifindex = nic, .name = name("eth0"), .on = false});
    EXPECT_FALSE(find_link(observe(), nic)->rxvlan);
    EXPECT_TRUE(changes_of(observe(), nic).rxvlan_off);
  }
  world_->restart_daemon();
  EXPECT_TRUE(changes_of(observe(), nic).rxvlan_off) << "the next daemon knows";
  must(SetRxVlan{.ifindex = nic, .name = name("eth0"), .on = true});
  EXPECT_TRUE(observe().nics.empty());
}

TEST_P(KernelContract, PromiscIsSetAndSeen) {
  const uint32_t nic = world_->add_nic("eth0");
  const auto link = [&] { return *find_link(observe(), nic); };
  EXPECT_FALSE(link().promisc);
  EXPECT_EQ(link().promiscuity, 0U);
  for (int twice = 0; twice < 2; ++twice) must(SetPromisc{.ifindex = nic, .name = name("eth0"), .on = true});
  EXPECT_TRUE(link().promisc);
  EXPECT_EQ(link().promiscuity, 1U);
  EXPECT_EQ(observe().nics,
            (std::vector<NicChanges>{{.ifindex = nic, .name = name("eth0"), .promisc = true}}));
  must(SetPromisc{.ifindex = nic, .name = name("eth0"), .on = false});
  EXPECT_FALSE(link().promisc);
  EXPECT_EQ(link().promiscuity, 0U);
  EXPECT_TRUE(observe().nics.empty());
}

TEST_P(KernelContract, AChangeOfARemovedNicIsForgotten) {
  const uint32_t nic = world_->add_nic("eth0");
  must(SetPromisc{.ifindex = nic, .name = name("eth0"), .on = true});
  world_->remove_link("eth0");
  EXPECT_TRUE(observe().nics.empty());
}

TEST_P(KernelContract, AKnobIsSetAndSeen) {
  const uint32_t nic = world_->add_nic("eth0");
  const uint32_t tap = world_->add_tap("tap0");
  const TuningScope scope{.nics = {{nic, name("eth0")}}, .taps = {{tap, name("tap0")}}};
  const auto rps = [&](uint32_t ifindex) {
    const auto host = world_->kernel().observe_tuning(scope);
    const std::string* value =
        host ? find_setting(*host, {.ifindex = ifindex, .knob = Knob::kRps, .index = 0}) : nullptr;
    return value ? *value : "none";
  };
  EXPECT_EQ(rps(nic), "");
  for (int twice = 0; twice < 2; ++twice)
    must(Tune{.setting = {nic, Knob::kRps, 0}, .name = name("eth0"), .value = "0"});
  EXPECT_EQ(rps(nic), "0");
  EXPECT_EQ(rps(tap), "");
  must(Tune{.setting = {tap, Knob::kRps, 0}, .name = name("tap0"), .value = "0"});
  EXPECT_EQ(rps(tap), "0");
}

TEST_P(KernelContract, AKnobNeedsItsDeviceAndADriverThatHasIt) {
  const uint32_t nic = world_->add_nic("eth0");
  const auto code = [&](const Tune& tune) {
    const Outcome outcome = apply(tune);
    return outcome.status ? 0 : outcome.status.error().code;
  };
  EXPECT_EQ(code({.setting = {nic, Knob::kRps, 0}, .name = name("eth1"), .value = "0"}), ENODEV);
  EXPECT_EQ(code({.setting = {9999, Knob::kRps, 0}, .name = name("eth0"), .value = "0"}), ENODEV);
  EXPECT_EQ(code({.setting = {nic, Knob::kLro}, .name = name("eth0"), .value = "off"}), EOPNOTSUPP);
  EXPECT_EQ(code({.setting = {nic, Knob::kRxUsecs}, .name = name("eth0"), .value = "8"}), EOPNOTSUPP);
  EXPECT_EQ(
      code({.setting = {nic, Knob::kRule, 1}, .name = name("eth0"), .value = "52:54:00:00:00:01 queue 0"}),
      EOPNOTSUPP);
}

TEST_P(KernelContract, ItAllOutlivesTheDaemon) {
  const uint32_t tap = world_->add_tap("tap0");
  const uint32_t nic = world_->add_nic("eth0");
  must(CreateTable{4});
  must(OpenPort{.port = port_of("tap0", 0, tap)});
  must(SetRows{{{.key = key(1)}}});
  must(AttachMember{{.ifindex = nic, .name = name("eth0"), .active = true}});
  must(WatchLosses{});
  const State before = observe();
  EXPECT_TRUE(before.watching);
  world_->restart_daemon();
  EXPECT_EQ(observe(), before);
}

TEST_P(KernelContract, APlanFromNothingConvergesInOneRound) {
  world_->add_tap("tap0");
  world_->add_nic("eth0");
  Settings settings{.devices = {name("eth0")}, .max_entries = 100};
  const Guest guest{.name = "vm",
                    .tap = name("tap0"),
                    .macs = {MacAddress::from_bits(0x525400000001)},
                    .vlans = {VlanTag::make(100).value()}};
  const auto intent = make_intent(settings, {guest});
  ASSERT_TRUE(intent);
  for (const Action& action : plan(compile(*intent, observe(), {}, {}).state, observe())) must(action);
  EXPECT_TRUE(plan(compile(*intent, observe(), {}, {}).state, observe()).empty());
  // And back.
  Hold hold;
  hold.all = true;
  for (const Action& action : plan(compile(*intent, observe(), {}, hold).state, observe())) must(action);
  EXPECT_EQ(observe().table.capacity, 0U);
  EXPECT_TRUE(observe().members.empty());
}

INSTANTIATE_TEST_SUITE_P(Kernels, KernelContract, testing::Values("fake", "linux"),
                         [](const auto& at) { return std::string(at.param); });

}  // namespace
}  // namespace xdpfwd::test

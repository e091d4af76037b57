// SPDX-License-Identifier: BSD-2-Clause
// Random worlds and random intents, plans cut at every point. What must hold after any prefix of a plan:
//   - no frame goes to a tap that neither the old nor the new intent names for its (VLAN, MAC);
//   - a frame whose (VLAN, MAC) and tap did not change goes on being forwarded;
// and after a whole plan: the next plan is empty.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "core/compile.h"
#include "core/plan.h"
#include "support/step.h"

namespace xdpfwd::test {
namespace {

using Random = std::mt19937_64;

uint32_t below(Random& random, uint32_t limit) {
  return static_cast<uint32_t>(random() % limit);
}
bool chance(Random& random, uint32_t percent) {
  return below(random, 100) < percent;
}

InterfaceName name_of(const std::string& text) {
  return InterfaceName::parse(text).value();
}

std::vector<Guest> random_guests(Random& random) {
  std::vector<Guest> guests;
  const uint32_t count = below(random, 12);
  for (uint32_t i = 0; i < count; ++i) {
    Guest guest;
    guest.name = "vm" + std::to_string(i);
    guest.tap = name_of("tap" + std::to_string(below(random, 8)));
    // A MAC belongs to one guest, so that no (VLAN, MAC) is given twice; sometimes it moves between guests.
    guest.macs = {MacAddress::from_bits(0x525400000000 + (i + (chance(random, 20) ? 100 : 0)))};
    guest.vlans = {VlanTag::make(below(random, 3)).value()};
    if (chance(random, 30)) guest.vlans.push_back(VlanTag::make(10 + below(random, 3)).value());
    guest.keep_tag = chance(random, 20);
    guests.push_back(guest);
  }
  return guests;
}

Intent random_intent(Random& random) {
  Settings settings;
  settings.devices = {name_of("eth0"), name_of("eth1")};
  settings.max_entries = chance(random, 80) ? 64 : 128;
  settings.vlan_tag = chance(random, 50) ? VlanTagSource::kAuto : VlanTagSource::kFrame;
  settings.drop_reflected = chance(random, 30);
  settings.promisc = chance(random, 80);
  auto intent = make_intent(settings, random_guests(random));
  EXPECT_TRUE(intent) << intent.error().text();
  return *intent;
}

// Taps and NICs come, go, change, and take over each other's ifindexes.
void shake_links(Random& random, State& state) {
  std::map<uint32_t, Link> links;
  for (const Link& link : state.links) links[link.ifindex] = link;
  // With a device go, in the kernel, its devmap entry and its link, whoever gets the ifindex next.
  const auto remove = [&](uint32_t ifindex) {
    links.erase(ifindex);
    for (Port& port : state.ports)
      if (port.ifindex == ifindex) port.in_devmap = false;
    for (Member& member : state.members)
      if (member.ifindex == ifindex) member.program = ProgramState::kGone;
    std::erase_if(state.nics, [&](const NicChanges& nic) { return nic.ifindex == ifindex; });
  };
  for (uint32_t i = 0; i < 8; ++i) {
    const InterfaceName name = name_of("tap" + std::to_string(i));
    const Link* present = find_link(state, name);
    if (present && chance(random, 30)) {
      remove(present->ifindex);
      present = nullptr;
    }
    if (!present && chance(random, 60)) {
      const uint32_t ifindex = 10 + below(random, 10);  // few, so that they are used again
      if (links.contains(ifindex)) continue;
      Link tap{.ifindex = ifindex, .name = name, .kind = LinkKind::kTap, .mtu = 1500};
      links[ifindex] = tap;
    }
  }
  for (auto& [ifindex, link] : links) {
    if (link.kind != LinkKind::kTap) continue;
    link.admin_up = chance(random, 85);
    link.lower_up = chance(random, 85);
    link.mtu = chance(random, 80) ? 1500 : 9000;
  }
  for (uint32_t i = 0; i < 2; ++i) {
    const uint32_t ifindex = 2 + i;
    if (chance(random, 15)) {
      remove(ifindex);
    } else {
      Link& nic = links[ifindex];
      nic.ifindex = ifindex;
      nic.name = name_of("eth" + std::to_string(i));
      nic.admin_up = nic.lower_up = true;
      nic.mtu = 1500;
      nic.bond_member = true;
      nic.bond_active = chance(random, 80);
      nic.vlan_hint = chance(random, 50);
      nic.rxvlan = chance(random, 50);
      // The flag is only ever ours here; others want the same by other means.
      nic.promiscuity = (nic.promisc ? 1 : 0) + below(random, 2);
    }
  }
  state.links.clear();
  for (const auto& [ifindex, link] : links) state.links.push_back(link);
}

// The dataplane as the programs see it: members on an old table forward by that.
struct World {
  State state;
  std::vector<FdbRow> old_rows;  // what outdated programs look up

  // The name of the tap that a frame to `key` reaches through this member; empty = it passes.
  [[nodiscard]] InterfaceName deliver(const Member& member, FdbKey key) const {
    if (!member.active || member.program == ProgramState::kGone) return {};
    const auto& rows = member.program == ProgramState::kOutdated ? old_rows : state.table.rows;
    const auto row = std::ranges::find(rows, key, &FdbRow::key);
    if (row == rows.end()) return {};
    const Port* port = find_port(state, row->slot);
    if (!port || !port->open()) return {};
    const Link* link = find_link(state, port->ifindex);
    return link ? link->name : InterfaceName();
  }

  void take(const Action& action) {
    if (std::holds_alternative<CreateTable>(action)) old_rows = state.table.rows;
    const auto taken = step(state, action);
    ASSERT_TRUE(taken) << describe(action) << ": " << taken.error().text();
  }
};

using Wanted = std::map<FdbKey, InterfaceName>;

Wanted wanted_by(const Intent& intent) {
  Wanted wanted;
  for (const IntentRow& row : intent.rows) wanted[row.key] = intent.taps[row.tap];
  return wanted;
}

void check_safe(const World& world, const Wanted& before, const Wanted& after, const std::string& where) {
  for (const Member& member : world.state.members)
    for (uint64_t mac = 0; mac < 120; ++mac)
      for (const uint32_t vlan : {0U, 1U, 2U, 10U, 11U, 12U}) {
        const FdbKey key =
            FdbKey::make(MacAddress::from_bits(0x525400000000 + mac), VlanTag::make(vlan).value());
        const InterfaceName tap = world.deliver(member, key);
        if (tap.empty()) continue;
        const auto old = before.find(key);
        const auto now = after.find(key);
        const bool allowed =
            (old != before.end() && old->second == tap) || (now != after.end() && now->second == tap);
        ASSERT_TRUE(allowed) << where << ": " << key.text() << " reaches " << tap.view();
      }
}

// (member ifindex, key) -> tap, of what is forwarded before and wanted the same after.
std::map<std::pair<uint32_t, FdbKey>, InterfaceName> unaffected(const World& world, const Desired& desired) {
  std::map<std::pair<uint32_t, FdbKey>, InterfaceName> kept;
  for (const Member& member : world.state.members) {
    const Member* want = find_member(desired.state, member.ifindex);
    if (!want || !want->active || want->slot != member.slot) continue;
    for (const FdbRow& row : desired.state.table.rows) {
      const InterfaceName tap = world.deliver(member, row.key);
      const Port* port = find_port(desired.state, row.slot);
      if (!tap.empty() && port && port->name == tap) kept[{member.ifindex, row.key}] = tap;
    }
  }
  return kept;
}

void check_kept(const World& world, const std::map<std::pair<uint32_t, FdbKey>, InterfaceName>& kept,
                const std::string& where) {
  for (const auto& [at, tap] : kept) {
    const Member* member = find_member(world.state, at.first);
    ASSERT_TRUE(member) << where;
    ASSERT_EQ(world.deliver(*member, at.second).view(), tap.view()) << where << ": " << at.second.text();
  }
}

// A NIC is changed only while it is a member, and what was changed is noted. No member filters unless asked
// to, and none that looks for tags in the frame has them stripped.
void check_nics(const World& world, const Intent& intent) {
  for (const Link& link : world.state.links) {
    const Member* member = find_member(world.state, link.ifindex);
    const NicChanges changes = changes_of(world.state, link.ifindex);
    ASSERT_EQ(link.promisc, changes.promisc) << link.name.view();
    if (!member || member->program == ProgramState::kGone) {
      ASSERT_FALSE(changes.promisc || changes.rxvlan_off) << link.name.view();
      continue;
    }
    if (member->flavour == Flavour::kFrame) {
      ASSERT_FALSE(link.rxvlan) << link.name.view();
    }
    if (changes.rxvlan_off) {
      ASSERT_EQ(member->flavour, Flavour::kFrame) << link.name.view();
    }
    if (member && intent.settings.promisc) {
      ASSERT_GT(link.promiscuity, 0U) << link.name.view();
    }
  }
}

class PlanProperty : public testing::TestWithParam<uint64_t> {};

TEST_P(PlanProperty, EveryPrefixIsSafeAndTheWholeConverges) {
  Random random(GetParam());
  World world;
  shake_links(random, world.state);
  Wanted before;
  for (int change = 0; change < 12; ++change) {
    const Intent intent = random_intent(random);
    const Wanted after = wanted_by(intent);
    const Desired desired = compile(intent, world.state, {}, {});
    const std::vector<Action> actions = plan(desired.state, world.state);
    const auto kept = unaffected(world, desired);
    // A crash after any step; what follows it is again an ordinary round.
    const size_t crash =
        chance(random, 40) ? below(random, static_cast<uint32_t>(actions.size()) + 1) : actions.size();
    for (size_t done = 0; done < crash; ++done) {
      ASSERT_NO_FATAL_FAILURE(world.take(actions[done]));
      const std::string where = "change " + std::to_string(change) + ", after step " + std::to_string(done) +
                                ", " + describe(actions[done]);
      ASSERT_NO_FATAL_FAILURE(check_safe(world, before, after, where));
      ASSERT_NO_FATAL_FAILURE(check_kept(world, kept, where));
    }
    if (crash < actions.size()) {
      // The world may change while no daemon runs; then the next daemon starts with the same intent.
      if (chance(random, 50)) shake_links(random, world.state);
      for (int round = 0; round < 3; ++round) {
        const Desired again = compile(intent, world.state, {}, {});
        for (const Action& action : plan(again.state, world.state)) {
          ASSERT_NO_FATAL_FAILURE(world.take(action));
          ASSERT_NO_FATAL_FAILURE(check_safe(world, before, after, "after a crash, " + describe(action)));
        }
      }
    }
    const Desired settled = compile(intent, world.state, {}, {});
    const std::vector<Action> rest = plan(settled.state, world.state);
    ASSERT_TRUE(rest.empty()) << "the second plan still says: " << describe(rest.front());
    ASSERT_NO_FATAL_FAILURE(check_nics(world, intent));
    before = after;
    shake_links(random, world.state);
    // A tap whose ifindex now belongs to another: nothing may reach it.
    ASSERT_NO_FATAL_FAILURE(check_safe(world, before, before, "after the links changed"));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PlanProperty, testing::Range<uint64_t>(1, 301));

}  // namespace
}  // namespace xdpfwd::test

// SPDX-License-Identifier: BSD-2-Clause
// Random hosts, wishes and guests; plans cut at every point, and the disk with them. What must hold:
//   - a plan that was applied leaves nothing to plan, and so does any part of it with a fresh plan after it;
//   - a revert after any part of it gives exactly what was there before, but for what others changed since;
//   - rules of others are never touched, and a table that is too small is shared out fairly.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "support/fake_host_tuning.h"
#include "tuning/desire.h"
#include "tuning/undo_text.h"

namespace xdpfwd::test {
namespace {

using Random = std::mt19937_64;
using Values = std::map<Setting, std::string>;

constexpr std::string_view kBoot = "6f2a7c11-0000-4000-8000-000000000001";

uint32_t below(Random& random, uint32_t limit) {
  return static_cast<uint32_t>(random() % limit);
}
bool chance(Random& random, uint32_t percent) {
  return below(random, 100) < percent;
}
InterfaceName name_of(const std::string& text) {
  return InterfaceName::parse(text).value();
}

NumberWish random_number(Random& random, uint32_t limit) {
  switch (below(random, 3)) {
    case 0:
      return {NumberWish::Kind::kKeep, 0};
    case 1:
      return {NumberWish::Kind::kAuto, 0};
    default:
      return {NumberWish::Kind::kGiven, 1 + below(random, limit)};
  }
}

TuningSettings random_settings(Random& random) {
  TuningSettings tuning;
  tuning.profile = static_cast<Profile>(below(random, 4));
  tuning.steering = chance(random, 85);
  tuning.cpus.kind = static_cast<CpuWish::Kind>(below(random, 3));
  if (tuning.cpus.kind == CpuWish::Kind::kGiven) tuning.cpus.given = {1, 3, 9};
  tuning.ban_irqbalance = chance(random, 70);
  if (chance(random, 50)) tuning.channels = random_number(random, 8);
  if (chance(random, 30)) tuning.ring_rx = {NumberWish::Kind::kGiven, 256 * (1 + below(random, 4))};
  tuning.adaptive_rx = static_cast<Switch>(below(random, 4));
  tuning.adaptive_tx = static_cast<Switch>(below(random, 4));
  tuning.rx_usecs = random_number(random, 100);
  tuning.rx_frames = random_number(random, 100);
  tuning.tx_usecs = random_number(random, 300);
  tuning.tx_frames = random_number(random, 100);
  tuning.force = chance(random, 20);
  tuning.rps_off = chance(random, 70);
  tuning.xps_off = chance(random, 40);
  tuning.noqueue = static_cast<NoQueue>(below(random, 3));
  tuning.napi.mode = static_cast<NapiMode>(below(random, 4));
  if (chance(random, 40)) tuning.napi.exceptions = {{{0, 2, 5}, static_cast<NapiMode>(below(random, 4))}};
  if (chance(random, 50)) tuning.napi_thread = {ThreadSchedule::Policy::kOther, -10};
  tuning.napi_usecs = random_number(random, 100);
  return tuning;
}

std::vector<Guest> random_guests(Random& random, uint32_t taps) {
  std::vector<Guest> guests;
  for (uint32_t i = 0; i < below(random, 12); ++i) {
    Guest guest;
    guest.name = fmt::format("vm{:02}", i);
    guest.tap = name_of(fmt::format("tap{}", i % taps));
    for (uint32_t mac = 0; mac < 1 + below(random, 3); ++mac)
      guest.macs.push_back(MacAddress::from_bits(0x525400000000 + 16 * i + mac));
    guest.vlans = {VlanTag::make(100 + i).value()};
    if (chance(random, 20)) guest.macs.push_back(MacAddress::from_bits(0x5254000000ff));  // shared
    if (chance(random, 30)) guest.vlans.push_back(VlanTag::make(200 + i).value());
    if (chance(random, 30)) guest.profile = static_cast<Profile>(below(random, 4));
    if (chance(random, 15)) guest.cpu = below(random, 10);
    guests.push_back(guest);
  }
  return guests;
}

// Host, daemon and disk. Whatever the daemon knows, it has from these.
struct World {
  FakeHostTuning host{8};
  std::vector<TunedTap> taps;
  std::string disk;
  Wish wish;
  std::vector<Setting> refused;  // by a driver, since the wish is as it is
  std::vector<LeftAlone> left_alone;
  mutable std::string read_disk;
  mutable std::optional<UndoText> was_read;

  // What the disk says; reading it was half of the tests' time, and most ask again before it changes.
  [[nodiscard]] const UndoText& read() const {
    if (was_read && disk == read_disk) return *was_read;
    auto read = read_undo_text(disk, kBoot);
    EXPECT_TRUE(read) << read.error().text();
    read_disk = disk;
    return was_read.emplace(read ? std::move(*read) : UndoText());
  }
  [[nodiscard]] UndoLog log() const { return read().log; }
  void write(const UndoChanges& changes) {
    disk.resize(read().good_bytes);
    disk += text_of(changes, kBoot);
  }

  TuningPlan plan(bool revert) {
    TuningQuestion question{.desired = {}, .holding = refused};
    const UndoLog present = log();
    if (!revert) question.desired = desire_tuning(wish, host.observe(), taps, present, {}).settings;
    return plan_tuning(question, host.observe(), present);
  }

  [[nodiscard]] uint32_t links_lost() const {
    uint32_t sum = 0;
    for (const Nic& nic : host.observe().nics) sum += host.links_lost(nic.ifindex);
    return sum;
  }

  // Applies the first `most` steps, as the shell would.
  void apply(const TuningPlan& plan, size_t most) {
    UndoLog present = log();
    write(record(present, plan));
    for (size_t i = 0; i < std::min(most, plan.steps.size()); ++i) {
      const TuningStep& step = plan.steps[i];
      const uint32_t lost = links_lost();
      if (!host.apply(step.action())) refused.push_back(step.setting);
      EXPECT_TRUE(step.resets || links_lost() == lost)
          << "not announced: " << describe(Action(step.action()));
    }
    std::ranges::sort(refused);
    left_alone.insert(left_alone.end(), plan.left_alone.begin(), plan.left_alone.end());
  }
  void settled() {
    UndoLog present = log();
    write(settle(present, host.observe()));
  }

  // Until nothing is left to do. More rounds than one are for queues that come, and for what drivers refuse.
  void converge(bool revert) {
    for (int round = 0; round < 6; ++round) {
      const TuningPlan now = plan(revert);
      const size_t refusals = refused.size();
      apply(now, SIZE_MAX);
      settled();
      if (now.steps.empty()) return;
      if (!now.again && refused.size() == refusals) {
        const TuningPlan next = plan(revert);
        ASSERT_TRUE(next.steps.empty()) << "planned again: " << describe(Action(next.steps[0].action()))
                                        << " from '" << next.steps[0].from << "': " << next.steps[0].reason;
      }
    }
    FAIL() << "no end: " << describe(Action(plan(revert).steps[0].action()));
  }
};

// A host as somebody left it: nothing is as the driver makes it.
World random_world(Random& random) {
  World world;
  const uint32_t members = 1 + below(random, 2);
  for (uint32_t i = 0; i < members; ++i) {
    const uint32_t ifindex = 2 + i;
    const auto model = chance(random, 60) ? NicModel::kMlx5 : static_cast<NicModel>(below(random, 5));
    world.host.add_nic(ifindex, name_of(fmt::format("eth{}", i)), model, 1 + below(random, 8));
    Nic& nic = world.host.nic(ifindex);
    nic.numa_node = static_cast<int32_t>(below(random, 3)) - 1;
    if (chance(random, 20)) nic.speed_mbps = 0;
    if (nic.rule_capacity == 0) continue;
    if (chance(random, 40)) nic.rule_capacity = 4 + below(random, 12);
    for (uint32_t rule = 0; rule < below(random, 4); ++rule) {
      const uint32_t location = below(random, nic.rule_capacity);
      const SteeringRule foreign{MacAddress::from_bits(0x525400000000 + 16 * below(random, 30)), VlanTag(),
                                 below(random, static_cast<uint32_t>(nic.queues.size()))};
      world.host.put({ifindex, Knob::kRule, location},
                     chance(random, 20) ? "udp4 dst-port 53 queue 0" : foreign.text());
    }
  }
  const Values made = world.host.values();
  for (const auto& [setting, value] : made) {
    if (!chance(random, 25)) continue;
    switch (setting.knob) {
      case Knob::kAdaptiveRx:
      case Knob::kAdaptiveTx:
      case Knob::kLro:
        world.host.put(setting, chance(random, 50) ? "on" : "off");
        break;
      case Knob::kRxUsecs:
      case Knob::kRxFrames:
      case Knob::kTxFrames:
        world.host.put(setting, fmt::format("{}", below(random, 100)));
        break;
      case Knob::kNapiThreaded:
        (void)world.host.apply(
            {.setting = setting, .name = world.host.nic(setting.ifindex).name, .value = "on"});
        break;
      case Knob::kNapiDefer:
      case Knob::kGroFlush:
        world.host.put(setting, fmt::format("{}", below(random, 3) * 1000));
        break;
      case Knob::kIrqAffinity:
      case Knob::kRps:
      case Knob::kXps:
        world.host.put(setting, fmt::format("{}", below(random, 8)));
        break;
      default:
        break;
    }
  }
  const Values with_threads = world.host.values();
  for (const auto& [setting, value] : with_threads)
    if (setting.knob == Knob::kThreadCpus && chance(random, 50))
      world.host.put(setting, fmt::format("{}", below(random, 8)));
  const char* const qdiscs[] = {"fq_codel", "fq_codel", "noqueue", "fq_codel 8001:"};
  for (uint32_t i = 0; i < 6; ++i) {
    const InterfaceName name = name_of(fmt::format("tap{}", i));
    world.host.add_tap(10 + i, name, qdiscs[below(random, 4)]);
    world.taps.push_back({10 + i, name});
  }
  world.wish = make_wish(random_settings(random), random_guests(random, 6));
  return world;
}

std::string difference(const Values& a, const Values& b) {
  for (const auto& [setting, value] : a) {
    const auto other = b.find(setting);
    if (other == b.end()) return fmt::format("{} of {} is gone", text_of(setting), setting.ifindex);
    if (other->second != value)
      return fmt::format("{} of {}: '{}' became '{}'", text_of(setting), setting.ifindex, value,
                         other->second);
  }
  for (const auto& [setting, value] : b)
    if (!a.contains(setting)) return fmt::format("{} of {} is new", text_of(setting), setting.ifindex);
  return {};
}

Values rules_in(const Values& values) {
  Values rules;
  for (const auto& [setting, value] : values)
    if (setting.knob == Knob::kRule) rules.emplace(setting, value);
  return rules;
}

bool holds_all(const Values& values, const Values& of) {
  return std::ranges::all_of(of, [&](const auto& one) {
    const auto at = values.find(one.first);
    return at != values.end() && at->second == one.second;
  });
}

class TuningProperty : public testing::TestWithParam<uint64_t> {};

TEST_P(TuningProperty, an_applied_plan_leaves_nothing_to_do_and_foreign_rules_alone) {
  Random random(GetParam());
  World world = random_world(random);
  const Values foreign = rules_in(world.host.values());
  for (int change = 0; change < 4; ++change) {
    ASSERT_NO_FATAL_FAILURE(world.converge(false)) << "change " << change;
    ASSERT_TRUE(holds_all(world.host.values(), foreign));
    if (chance(random, 50)) world.host.reset(2);
    ASSERT_NO_FATAL_FAILURE(world.converge(false)) << "after a reset, change " << change;
    world.wish = make_wish(random_settings(random), random_guests(random, 6));
    world.refused.clear();
  }
}

TEST_P(TuningProperty, any_part_of_a_plan_and_a_fresh_one_come_to_the_same) {
  Random random(GetParam());
  const World start = random_world(random);
  World whole = start;
  ASSERT_NO_FATAL_FAILURE(whole.converge(false));
  const size_t steps = World(start).plan(false).steps.size();
  for (int cut = 0; cut < 6; ++cut) {
    World world = start;
    const size_t done = below(random, static_cast<uint32_t>(steps) + 1);
    world.apply(world.plan(false), done);
    world.refused.clear();  // the next daemon does not know
    ASSERT_NO_FATAL_FAILURE(world.converge(false)) << "after " << done << " of " << steps;
    ASSERT_EQ(difference(whole.host.values(), world.host.values()), "")
        << "after " << done << " of " << steps;
  }
}

TEST_P(TuningProperty, a_revert_after_any_crashes_gives_what_was_there) {
  Random random(GetParam());
  const World start = random_world(random);
  for (int run = 0; run < 4; ++run) {
    World world = start;
    // Wishes that come and go, each cut off anywhere: in the writing, or between two steps.
    for (uint32_t change = 0; change < 1 + below(random, 3); ++change) {
      const TuningPlan plan = world.plan(false);
      const std::string before = world.disk;
      const bool torn = chance(random, 20);
      world.apply(plan, torn ? 0 : below(random, static_cast<uint32_t>(plan.steps.size()) + 1));
      if (torn) world.disk.resize(before.size() + random() % (world.disk.size() - before.size() + 1));
      if (chance(random, 30)) world.settled();
      if (chance(random, 30)) {
        ASSERT_NO_FATAL_FAILURE(world.converge(false));
      }
      if (chance(random, 50)) world.wish = make_wish(random_settings(random), random_guests(random, 6));
      world.refused.clear();
    }
    // The revert is cut off, too.
    for (uint32_t crash = below(random, 3); crash > 0; --crash) {
      const TuningPlan plan = world.plan(true);
      world.apply(plan, below(random, static_cast<uint32_t>(plan.steps.size()) + 1));
    }
    ASSERT_NO_FATAL_FAILURE(world.converge(true));
    ASSERT_EQ(difference(start.host.values(), world.host.values()), "") << "run " << run;
    ASSERT_EQ(world.host.banned(), start.host.banned()) << "run " << run;
    ASSERT_TRUE(world.log().entries.empty()) << text_of(world.log(), kBoot);
    ASSERT_TRUE(world.left_alone.empty()) << text_of(world.left_alone[0].setting);
  }
}

TEST_P(TuningProperty, what_others_changed_since_is_left_alone_and_named) {
  Random random(GetParam());
  World world = random_world(random);
  const Values before = world.host.values();
  ASSERT_NO_FATAL_FAILURE(world.converge(false));
  const UndoLog log = world.log();
  Values theirs;
  for (const UndoEntry& entry : log.entries) {
    if (!chance(random, 30)) continue;
    switch (entry.setting.knob) {
      case Knob::kRxUsecs:
      case Knob::kTxFrames:
        theirs[entry.setting] = "777";
        break;
      case Knob::kQdisc:
        theirs[entry.setting] = "sfq 8002:";
        break;
      case Knob::kIrqAffinity:
        theirs[entry.setting] = "2-5";
        break;
      case Knob::kRule:
        theirs[entry.setting] = "52:54:00:99:99:99 queue 0";
        break;
      default:
        break;
    }
  }
  // What goes with its channel cannot be kept.
  const bool channels_change = std::ranges::any_of(
      log.entries, [](const UndoEntry& entry) { return entry.setting.knob == Knob::kChannels; });
  if (channels_change)
    std::erase_if(theirs, [](const auto& one) {
      return scope_of(one.first.knob) == KnobScope::kIrq || one.first.knob == Knob::kRxUsecs ||
             one.first.knob == Knob::kTxFrames;
    });
  for (const auto& [setting, value] : theirs)
    if (world.host.values().contains(setting)) world.host.put(setting, value);
  world.refused.clear();
  ASSERT_NO_FATAL_FAILURE(world.converge(true));
  Values expected = before;
  for (const auto& [setting, value] : theirs) expected[setting] = value;
  ASSERT_EQ(difference(expected, world.host.values()), "");
  std::set<Setting> named;
  for (const LeftAlone& left : world.left_alone) named.insert(left.setting);
  for (const auto& [setting, value] : theirs) ASSERT_TRUE(named.contains(setting)) << text_of(setting);
  ASSERT_EQ(named.size(), theirs.size());
  ASSERT_TRUE(world.log().entries.empty());
}

TEST_P(TuningProperty, guests_keep_apart_and_a_small_table_is_shared_fairly) {
  Random random(GetParam());
  World world = random_world(random);
  world.wish.tuning.steering = true;
  for (int change = 0; change < 3; ++change) {
    ASSERT_NO_FATAL_FAILURE(world.converge(false));
    const UndoLog log = world.log();
    const HostTuning observed = world.host.observe();
    std::map<uint64_t, std::set<uint32_t>> queues;  // by MAC
    for (const Nic& nic : observed.nics) {
      std::map<uint64_t, uint32_t> rules;  // by MAC
      std::set<uint64_t> foreign;
      uint32_t count = 0;
      for (const auto& [setting, value] : rules_in(world.host.values())) {
        if (setting.ifindex != nic.ifindex) continue;
        ++count;
        const auto rule = SteeringRule::parse(value);
        const UndoEntry* entry = find_entry(log, setting);
        if (rule && entry) {
          ASSERT_EQ(entry->set, value);
          ++rules[rule->mac.bits()];
          queues[FdbKey::make(rule->mac, rule->vlan).packed].insert(rule->queue);
        } else if (rule) {
          foreign.insert(rule->mac.bits());
        }
      }
      if (nic.rule_capacity == 0) continue;
      // Only guests that share no MAC and meet no rule of others can be counted by MAC.
      uint32_t most = 0;
      std::vector<std::pair<uint32_t, uint32_t>> got_of_wanted;
      for (const GuestWish& guest : world.wish.guests) {
        uint32_t got = 0, wanted = 0;
        for (const MacAddress mac : guest.macs) {
          if (mac.bits() == 0x5254000000ff || foreign.contains(mac.bits())) continue;
          ++wanted;
          got += rules.contains(mac.bits()) ? 1 : 0;
        }
        most = std::max(most, got);
        got_of_wanted.emplace_back(got, wanted);
      }
      for (const auto& [got, wanted] : got_of_wanted) {
        if (got < wanted) {
          ASSERT_EQ(count, nic.rule_capacity) << "a rule is missing and there is room";
          ASSERT_GE(got + 2, most);  // ranks count the shared and foreign ones, too
        }
      }
    }
    for (const auto& [match, on] : queues) ASSERT_EQ(on.size(), 1U) << "two members, two queues";
    world.wish = make_wish(world.wish.tuning, random_guests(random, 6));
    world.refused.clear();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TuningProperty, testing::Range<uint64_t>(1, 41));

}  // namespace
}  // namespace xdpfwd::test

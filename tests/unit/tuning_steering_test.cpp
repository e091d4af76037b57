// SPDX-License-Identifier: BSD-2-Clause
// Which guest gets which queue, which queue which CPU, and which rule which location.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tuning/queue_cpus.h"
#include "tuning/rules.h"
#include "tuning/steering.h"
#include "tuning/tap_rates.h"

namespace xdpfwd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

MacAddress mac(uint64_t number) {
  return MacAddress::from_bits(0x525400000000 + number);
}
VlanTag vlan(uint32_t id) {
  return VlanTag::make(id).value();
}

GuestWish guest(uint32_t number, std::optional<Profile> profile = std::nullopt,
                std::optional<uint32_t> cpu = std::nullopt) {
  return {.name = fmt::format("vm{}", number),
          .tap = {},
          .macs = {mac(number)},
          .vlans = {vlan(100)},
          .profile = profile,
          .cpu = cpu};
}
std::vector<GuestWish> guests(uint32_t count) {
  std::vector<GuestWish> all;
  for (uint32_t i = 0; i < count; ++i) all.push_back(guest(i));
  return all;
}

std::vector<uint32_t> queues_of(const std::vector<GuestWish>& all, const SteeringQuestion& question) {
  std::vector<Remark> remarks;
  return steer(all, Profile::kBalanced, question, remarks).queue_of_guest;
}

TEST(Steering, guests_spread_over_the_queues) {
  EXPECT_THAT(queues_of(guests(5), {.queues = 3, .present = {}, .cpu_of_queue = {}, .loads = {}}),
              ElementsAre(0, 1, 2, 0, 1));
}

TEST(Steering, who_has_a_queue_keeps_it_unless_it_is_gone) {
  EXPECT_THAT(queues_of(guests(4), {.queues = 3, .present = {2, 2, {}, 7}, .cpu_of_queue = {}, .loads = {}}),
              ElementsAre(2, 2, 0, 1));
}

TEST(Steering, new_guests_go_where_the_fewest_packets_are) {
  // vm0 is as busy as ten others.
  const SteeringQuestion question{.queues = 2,
                                  .present = {0, 1, 1, {}, {}},
                                  .cpu_of_queue = {},
                                  .loads = {{"vm0", 100000}, {"vm1", 10000}, {"vm2", 10000}, {"vm3", 10000}}};
  EXPECT_THAT(queues_of(guests(5), question), ElementsAre(0, 1, 1, 1, 1));
}

TEST(Steering, a_busy_queue_is_relieved_and_small_differences_move_nobody) {
  SteeringQuestion question{
      .queues = 3,
      .present = {0, 0, 0, 1, 2},
      .cpu_of_queue = {},
      .loads = {{"vm0", 90'000}, {"vm1", 80'000}, {"vm2", 40'000}, {"vm3", 20'000}, {"vm4", 50'000}}};
  // 210 000, 20 000 and 50 000; then 120 000, 110 000 and 50 000; then 80 000, 110 000 and 90 000.
  EXPECT_THAT(queues_of(guests(5), question), ElementsAre(1, 0, 2, 1, 2));
  // What came of it stays, and so it does when loads change by much less than a quarter.
  question.present = {1, 0, 2, 1, 2};
  EXPECT_THAT(queues_of(guests(5), question), ElementsAre(1, 0, 2, 1, 2));
  question.loads["vm1"] = 95'000;
  question.loads["vm3"] = 10'000;
  EXPECT_THAT(queues_of(guests(5), question), ElementsAre(1, 0, 2, 1, 2));
  // One guest alone cannot be helped; a pinned one and one of another profile stay.
  question.loads["vm1"] = 1'000'000;
  question.loads["vm2"] = 0;
  EXPECT_THAT(queues_of(guests(5), question), ElementsAre(1, 0, 2, 1, 2));
  std::vector<GuestWish> all = guests(3);
  all[0].cpu = 5;
  question = {
      .queues = 2, .present = {0, 0, 1}, .cpu_of_queue = {5, 6}, .loads = {{"vm0", 900'000}, {"vm1", 0}}};
  EXPECT_THAT(queues_of(all, question), ElementsAre(0, 0, 1));
  all = guests(3);
  all[2].profile = Profile::kLatency;
  question.loads = {{"vm0", 900'000}, {"vm1", 800'000}};
  EXPECT_THAT(queues_of(all, question), ElementsAre(0, 0, 1)) << "the other queue is another profile's";
}

TEST(Steering, nobody_is_moved_where_no_queue_is_busy_or_nothing_is_known) {
  SteeringQuestion question{.queues = 2,
                            .present = {0, 0, 0},
                            .cpu_of_queue = {},
                            .loads = {{"vm0", 30'000}, {"vm1", 30'000}, {"vm2", 30'000}}};
  EXPECT_THAT(queues_of(guests(3), question), ElementsAre(0, 0, 0));
  question.loads = {};
  EXPECT_THAT(queues_of(guests(3), question), ElementsAre(0, 0, 0));
}

TEST(TapRates, are_of_the_last_minutes_and_start_again_with_another_tap) {
  const InterfaceName tap = InterfaceName::parse("tap0").value();
  TapRates rates;
  EXPECT_TRUE(rates.due(5));
  rates.feed({{tap, 1000}}, 5);
  EXPECT_FALSE(rates.due(4 + TapRates::kPeriodMs));
  EXPECT_TRUE(rates.due(5 + TapRates::kPeriodMs));
  EXPECT_FALSE(rates.rate(tap)) << "one reading says nothing";
  rates.feed({{tap, 21'000}}, 10'005);
  EXPECT_EQ(rates.rate(tap), 2000U);
  rates.feed({{tap, 21'000}}, 20'005);
  EXPECT_EQ(rates.rate(tap), 1846U) << "a pause of 10 s is 10 of 130 parts";
  rates.feed({{tap, 5}}, 30'005);
  EXPECT_FALSE(rates.rate(tap));
  rates.feed({}, 40'005);
  rates.feed({{tap, 900'000}}, 50'005);
  EXPECT_FALSE(rates.rate(tap));
}

TEST(Steering, profiles_do_not_share_a_queue_while_there_are_enough) {
  std::vector<GuestWish> all = guests(6);
  all[4].profile = Profile::kLatency;
  all[5].profile = Profile::kThroughput;
  std::vector<Remark> remarks;
  const Steering steering =
      steer(all, Profile::kBalanced, {.queues = 3, .present = {}, .cpu_of_queue = {}, .loads = {}}, remarks);
  EXPECT_THAT(steering.queue_of_guest, ElementsAre(0, 0, 0, 0, 1, 2));
  EXPECT_EQ(steering.profile_of_queue[0], std::nullopt);
  EXPECT_EQ(steering.profile_of_queue[1], Profile::kLatency);
  EXPECT_EQ(steering.profile_of_queue[2], Profile::kThroughput);
  EXPECT_TRUE(remarks.empty());
}

TEST(Steering, a_new_profile_takes_the_emptiest_queue_of_those_who_have_several) {
  std::vector<GuestWish> all = guests(5);
  all[4].profile = Profile::kLatency;
  EXPECT_THAT(queues_of(all, {.queues = 3, .present = {0, 1, 2, 0, {}}, .cpu_of_queue = {}, .loads = {}}),
              ElementsAre(0, 2, 2, 0, 1));
}

TEST(Steering, with_too_few_queues_the_shared_one_suits_who_waits_least) {
  std::vector<GuestWish> all = {guest(0, Profile::kThroughput), guest(1, Profile::kLatency), guest(2)};
  std::vector<Remark> remarks;
  const Steering steering =
      steer(all, Profile::kBalanced, {.queues = 1, .present = {}, .cpu_of_queue = {}, .loads = {}}, remarks);
  EXPECT_EQ(steering.profile_of_queue[0], Profile::kLatency);
  ASSERT_THAT(remarks, SizeIs(1));
  EXPECT_THAT(remarks[0].why, HasSubstr("different profiles share"));
}

TEST(Steering, a_guest_gets_the_cpu_it_asks_for_or_is_told) {
  std::vector<GuestWish> all = {guest(0, {}, 6), guest(1, {}, 99)};
  std::vector<Remark> remarks;
  const Steering steering =
      steer(all, Profile::kBalanced, {.queues = 4, .present = {}, .cpu_of_queue = {0, 2, 4, 6}, .loads = {}},
            remarks);
  EXPECT_EQ(steering.queue_of_guest[0], 3U);
  ASSERT_THAT(remarks, SizeIs(1));
  EXPECT_EQ(remarks[0].thing, "guest vm1");
  EXPECT_THAT(remarks[0].why, HasSubstr("CPU 99"));
}

HostTuning host_of(std::vector<uint32_t> cpus, std::vector<int32_t> nodes, int32_t node) {
  HostTuning host;
  host.cpus = std::move(cpus);
  host.numa_of_cpus = std::move(nodes);
  host.nics.push_back(
      {.ifindex = 2, .name = *InterfaceName::parse("eth0"), .numa_node = node, .rule_capacity = 4});
  return host;
}

TEST(QueueCpus, the_nics_own_node_comes_first) {
  const HostTuning host = host_of({0, 1, 2, 3}, {0, 1, 0, 1}, 1);
  std::vector<Remark> remarks;
  EXPECT_THAT(choose_cpus({}, host, 4, remarks), ElementsAre(1, 3, 0, 2));
  Wish wish;
  wish.guests = {guest(0, {}, 2)};
  EXPECT_THAT(choose_cpus(wish, host, 2, remarks), ElementsAre(1, 2, 0, 3));
  wish.tuning.cpus.kind = CpuWish::Kind::kKeep;
  EXPECT_TRUE(choose_cpus(wish, host, 2, remarks).empty());
  EXPECT_TRUE(remarks.empty());
  wish.tuning.cpus = {CpuWish::Kind::kGiven, {1, 3, 7}};
  EXPECT_THAT(choose_cpus(wish, host, 2, remarks), ElementsAre(1, 3));
  ASSERT_THAT(remarks, SizeIs(1));
  EXPECT_THAT(remarks[0].why, HasSubstr("not online: CPU 7"));
  remarks.clear();
  wish.tuning.cpus = {CpuWish::Kind::kGiven, {7, 8}};
  EXPECT_TRUE(choose_cpus(wish, host, 2, remarks).empty());
  ASSERT_THAT(remarks, SizeIs(1));
  EXPECT_THAT(remarks[0].why, HasSubstr("none of its CPUs (7-8) is online"));
  EXPECT_TRUE(remarks[0].problem);
}

TEST(QueueCpus, siblings_of_a_core_come_after_those_of_others) {
  HostTuning host = host_of({0, 1, 2, 3, 4, 5}, {0, 0, 0, 0, 1, 1}, 0);
  host.core_of_cpus = {0, 0, 2, 2, 4, 4};
  std::vector<Remark> remarks;
  EXPECT_THAT(choose_cpus({}, host, 4, remarks), ElementsAre(0, 2, 1, 3, 4, 5));
  host.isolated = {0};
  EXPECT_THAT(choose_cpus({}, host, 4, remarks), ElementsAre(1, 2, 3, 4, 5));
}

TEST(QueueCpus, isolated_ones_are_not_used_unless_somebody_names_them) {
  HostTuning host = host_of({0, 1, 2, 3}, {0, 1, 0, 1}, 1);
  host.isolated = {2, 3};
  std::vector<Remark> remarks;
  EXPECT_THAT(choose_cpus({}, host, 4, remarks), ElementsAre(1, 0));
  EXPECT_EQ(count_cpus({}, host), 2U);
  ASSERT_THAT(remarks, SizeIs(1));
  EXPECT_THAT(remarks[0].why, HasSubstr("CPU 2-3"));
  EXPECT_FALSE(remarks[0].problem);
  Wish wish;
  wish.guests = {guest(0, {}, 2)};
  EXPECT_THAT(choose_cpus(wish, host, 2, remarks), ElementsAre(1, 2, 0));
  EXPECT_EQ(count_cpus(wish, host), 3U);
  ASSERT_THAT(remarks, SizeIs(2));
  EXPECT_THAT(remarks[1].why, HasSubstr("CPU 3"));
  wish.tuning.cpus = {CpuWish::Kind::kGiven, {1, 3}};
  EXPECT_THAT(choose_cpus(wish, host, 2, remarks), ElementsAre(1, 3));
  EXPECT_EQ(count_cpus(wish, host), 2U);
  // Where all are, somebody has to.
  host.isolated = host.cpus;
  EXPECT_THAT(choose_cpus({}, host, 4, remarks), ElementsAre(1, 3, 0, 2));
  EXPECT_THAT(remarks, SizeIs(2));
}

TEST(Rules, a_trunk_of_many_vlans_takes_one_rule_and_a_shared_mac_one_a_vlan) {
  GuestWish trunk = guest(0);
  for (uint32_t id = 1; id <= 100; ++id) trunk.vlans.push_back(vlan(id + 1000));
  GuestWish left = guest(1), right = guest(2);
  left.macs = right.macs = {mac(99)};
  left.vlans = {vlan(7), VlanTag()};
  right.vlans = {vlan(8)};
  std::vector<Remark> remarks;
  const auto wanted = want_rules({trunk, left, right}, {0, 1, 2}, remarks);
  std::vector<std::string> texts;
  for (const WantedRule& rule : wanted) texts.push_back(rule.rule.text());
  EXPECT_THAT(texts, ElementsAre("52:54:00:00:00:00 queue 0", "52:54:00:00:00:63 vlan 7 queue 1",
                                 "52:54:00:00:00:63 vlan 8 queue 2"));
  ASSERT_THAT(remarks, SizeIs(1));  // the untagged one
  EXPECT_EQ(remarks[0].thing, "guest vm1");
}

TEST(Rules, first_ones_come_before_second_ones_and_foreign_ones_stay) {
  std::vector<GuestWish> all = guests(3);
  for (uint32_t i = 0; i < 3; ++i) all[i].macs.push_back(mac(10 + i));
  HostTuning host = host_of({0}, {0}, 0);  // four rules
  host.nics[0].rule_capacity = 5;
  const Setting at0{2, Knob::kRule, 0}, at2{2, Knob::kRule, 2};
  host.settings = {{at0, "tcp4 dst-port 22 queue 0"}, {at2, "52:54:00:00:00:02 queue 1"}};
  UndoLog log;
  log.entries = {{at2, host.nics[0].name, "", "52:54:00:00:00:02 queue 1", std::nullopt, false}};
  std::vector<Remark> remarks;
  const auto wanted = want_rules(all, {0, 0, 0}, remarks);
  const auto placed = place_rules(wanted, all, host.nics[0], host, log, remarks);
  std::vector<std::string> texts;
  for (const PlacedRule& rule : placed)
    texts.push_back(fmt::format("{}: {}", rule.location, wanted[rule.wanted].rule.mac.text()));
  EXPECT_THAT(texts, ElementsAre("1: 52:54:00:00:00:00", "3: 52:54:00:00:00:01", "2: 52:54:00:00:00:02",
                                 "4: 52:54:00:00:00:0a"));
  ASSERT_THAT(remarks, SizeIs(1));
  EXPECT_THAT(remarks[0].why, HasSubstr("takes 4 rules and 2 more are wanted: 2 guests from vm1 on"));
}

TEST(Rules, a_table_that_has_shrunk_gets_them_where_there_is_room) {
  const std::vector<GuestWish> all = guests(2);
  HostTuning host = host_of({0}, {0}, 0);  // four rules
  const Setting beyond{2, Knob::kRule, 4000};
  host.settings = {{beyond, "52:54:00:00:00:00 queue 0"}};
  UndoLog log;
  log.entries = {{beyond, host.nics[0].name, "", "52:54:00:00:00:00 queue 0", std::nullopt, false}};
  std::vector<Remark> remarks;
  const auto placed = place_rules(want_rules(all, {0, 0}, remarks), all, host.nics[0], host, log, remarks);
  ASSERT_THAT(placed, SizeIs(2));
  EXPECT_EQ(placed[0].location, 0U);
  EXPECT_EQ(placed[1].location, 1U);
}

TEST(Rules, one_that_somebody_else_made_for_our_mac_is_named_and_not_joined) {
  const std::vector<GuestWish> all = guests(1);
  HostTuning host = host_of({0}, {0}, 0);
  host.settings = {{{2, Knob::kRule, 3}, "52:54:00:00:00:00 queue 0"}};
  std::vector<Remark> remarks;
  const auto wanted = want_rules(all, {0}, remarks);
  EXPECT_THAT(place_rules(wanted, all, host.nics[0], host, {}, remarks), SizeIs(0));
  ASSERT_THAT(remarks, SizeIs(1));
  EXPECT_TRUE(remarks[0].problem);
  EXPECT_THAT(remarks[0].remedy, HasSubstr("ethtool -N eth0 delete 3"));
  EXPECT_THAT(present_queues(all, host, {}), ElementsAre(std::nullopt));
}

}  // namespace
}  // namespace xdpfwd

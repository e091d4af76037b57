// SPDX-License-Identifier: BSD-2-Clause
// The order of steps, what a driver's manners ask for, the undo log as text, and fights.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/fake_host_tuning.h"
#include "tuning/desire.h"
#include "tuning/fight.h"
#include "tuning/plan_tuning.h"
#include "tuning/undo_text.h"

namespace xdpfwd::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kBoot = "boot-1";

InterfaceName name_of(std::string_view text) {
  return InterfaceName::parse(text).value();
}

Guest guest(uint32_t number) {
  Guest guest;
  guest.name = fmt::format("vm{:03}", number);
  guest.tap = name_of(fmt::format("tap{}", number));
  guest.macs = {MacAddress::from_bits(0x525400000000 + number)};
  guest.vlans = {VlanTag::make(100).value()};
  return guest;
}

// "rx-usecs of queue 3 of eth0: 8 -> 16"
std::vector<std::string> texts_of(const TuningPlan& plan) {
  std::vector<std::string> texts;
  for (const TuningStep& step : plan.steps)
    texts.push_back(
        fmt::format("{} of {}: {} -> {}", text_of(step.setting), step.device.view(), step.from, step.to));
  return texts;
}

struct Daemon {
  FakeHostTuning host{4};
  UndoLog log;
  Wish wish;
  std::vector<TunedTap> taps;
  std::vector<Setting> holding;

  Daemon() {
    // Nothing wanted, so that a test says all that it wants.
    TuningSettings& tuning = wish.tuning;
    tuning.profile = Profile::kNone;
    tuning.cpus.kind = CpuWish::Kind::kKeep;
    tuning.rps_off = tuning.lro_off = false;
    tuning.noqueue = NoQueue::kOff;
  }
  TuningDesire desire() { return desire_tuning(wish, host.observe(), taps, log, {}); }
  TuningPlan plan() { return plan_tuning({desire().settings, holding}, host.observe(), log); }
  TuningPlan revert() { return plan_tuning({{}, holding}, host.observe(), log); }
  void apply(const TuningPlan& plan) {
    record(log, plan);
    for (const TuningStep& step : plan.steps) {
      const auto done = host.apply(step.action());
      EXPECT_TRUE(done) << done.error().text();
    }
    settle(log, host.observe());
  }
};

TEST(TuningPlan, adaptive_comes_first_and_what_it_resets_is_set_again) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kMlx5, 1);
  for (const uint32_t index : {kWholeDevice, 0U}) daemon.host.put({2, Knob::kRxUsecs, index}, "30");
  daemon.wish.tuning.adaptive_rx = Switch::kOff;
  const TuningPlan plan = daemon.plan();
  EXPECT_THAT(texts_of(plan), ElementsAre("adaptive-rx of eth0: on -> off", "rx-usecs of eth0: 30 -> 30",
                                          "rx-frames of eth0: 256 -> 256", "tx-usecs of eth0: 8 -> 8",
                                          "tx-frames of eth0: 128 -> 128"));
  ASSERT_THAT(plan.steps, SizeIs(5));
  EXPECT_THAT(plan.steps[1].reason, HasSubstr("adaptive-rx may have reset it"));
  daemon.apply(plan);
  EXPECT_EQ(daemon.host.values().at({2, Knob::kRxUsecs, kWholeDevice}), "30");
  EXPECT_EQ(daemon.host.values().at({2, Knob::kRxUsecs, 0}), "30");
  EXPECT_THAT(daemon.plan().steps, IsEmpty());
}

TEST(TuningPlan, one_members_resets_come_before_the_others) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 2);
  daemon.host.add_nic(3, name_of("eth1"), NicModel::kIgb, 2);
  daemon.wish.tuning.ring_rx = {NumberWish::Kind::kGiven, 512};
  daemon.wish.tuning.channels = {NumberWish::Kind::kGiven, 4};
  const TuningPlan plan = daemon.plan();
  EXPECT_TRUE(plan.again);
  std::vector<std::pair<uint32_t, Knob>> resets;
  for (const TuningStep& step : plan.steps)
    if (step.resets) resets.emplace_back(step.setting.ifindex, step.setting.knob);
  EXPECT_THAT(resets, ElementsAre(std::pair(2, Knob::kChannels), std::pair(2, Knob::kRxRing),
                                  std::pair(3, Knob::kChannels), std::pair(3, Knob::kRxRing)));
  EXPECT_TRUE(
      std::ranges::is_sorted(plan.steps, {}, [](const TuningStep& step) { return step.setting.ifindex; }));
}

TEST(TuningPlan, a_new_thread_is_at_once_followed_by_its_cpu_and_class) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kVeth, 2);
  const auto before = daemon.host.values();
  daemon.wish.tuning.napi = *parse_napi_wish("threaded");
  daemon.wish.tuning.napi_thread = ThreadSchedule{ThreadSchedule::Policy::kFifo, 50};
  daemon.wish.tuning.cpus = {CpuWish::Kind::kGiven, {1, 3}};
  const TuningPlan plan = daemon.plan();
  EXPECT_THAT(texts_of(plan), ElementsAre("napi-threaded of NAPI 0 of eth0: off -> on",
                                          "napi-thread-cpus of NAPI 0 of eth0: 0-3 -> 1",
                                          "napi-thread-sched of NAPI 0 of eth0: other 0 -> fifo 50",
                                          "napi-threaded of NAPI 1 of eth0: off -> on",
                                          "napi-thread-cpus of NAPI 1 of eth0: 0-3 -> 3",
                                          "napi-thread-sched of NAPI 1 of eth0: other 0 -> fifo 50"));
  EXPECT_TRUE(plan.again);
  daemon.apply(plan);
  EXPECT_THAT(daemon.plan().steps, IsEmpty());
  // A kernel before 6.17 keeps a thread that is switched off.
  ASSERT_NE(find_entry(daemon.log, {2, Knob::kThreadCpus, 1}), nullptr);
  EXPECT_EQ(find_entry(daemon.log, {2, Knob::kThreadCpus, 1})->before, "0-3");
  daemon.apply(daemon.revert());
  EXPECT_EQ(daemon.host.values(), before);
  EXPECT_THAT(daemon.log.entries, IsEmpty());
}

TEST(TuningPlan, new_threads_of_a_nic_that_has_one_switch_follow_it) {
  Daemon daemon;
  daemon.host.irqbalance = false;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 2);
  daemon.wish.tuning.napi = *parse_napi_wish("auto");
  daemon.wish.tuning.cpus = {CpuWish::Kind::kGiven, {1, 3}};
  EXPECT_THAT(texts_of(daemon.plan()),
              ElementsAre("irq-affinity of interrupt 200 of eth0: 0-3 -> 1",
                          "irq-affinity of interrupt 201 of eth0: 0-3 -> 3",
                          "napi-threaded of eth0: off -> on", "napi-thread-cpus of NAPI 0 of eth0: 0-3 -> 1",
                          "napi-thread-cpus of NAPI 1 of eth0: 0-3 -> 3"));
}

TEST(TuningPlan, nothing_is_set_of_a_thread_that_is_not_made) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kVeth, 2);
  daemon.wish.tuning.napi = *parse_napi_wish("auto");
  daemon.wish.tuning.cpus = {CpuWish::Kind::kGiven, {1, 3}};
  daemon.holding = {{2, Knob::kNapiThreaded, 0}};
  const TuningPlan plan = daemon.plan();
  EXPECT_THAT(texts_of(plan), ElementsAre("napi-threaded of NAPI 1 of eth0: off -> on",
                                          "napi-thread-cpus of NAPI 1 of eth0: 0-3 -> 3"));
  EXPECT_THAT(plan.roaming, SizeIs(1));
  // Where it is not known what one starts with, it is looked at first.
  HostTuning host = daemon.host.observe();
  host.new_thread_cpus.clear();
  const auto desired = desire_tuning(daemon.wish, host, {}, daemon.log, {}).settings;
  EXPECT_THAT(texts_of(plan_tuning({desired, daemon.holding}, host, daemon.log)),
              ElementsAre("napi-threaded of NAPI 1 of eth0: off -> on"));
}

// A driver that adapts takes another value and keeps its own, and is not to blame.
TEST(TuningPlan, what_a_driver_chooses_itself_is_not_set_and_said) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kMlx5, 1);
  daemon.wish.tuning.rx_usecs = {NumberWish::Kind::kGiven, 20};
  EXPECT_THAT(daemon.plan().steps, IsEmpty());
  const TuningDesire desire = daemon.desire();
  ASSERT_THAT(desire.remarks, SizeIs(1));
  EXPECT_THAT(desire.remarks[0].why, HasSubstr("rx-usecs 20 is not set: adaptive moderation is on"));
  EXPECT_THAT(desire.remarks[0].remedy, HasSubstr("adaptive_rx = \"off\""));
  // Nor where it is about to adapt again.
  daemon.wish.tuning.adaptive_rx = Switch::kOff;
  daemon.apply(daemon.plan());
  EXPECT_EQ(daemon.host.values().at({2, Knob::kRxUsecs, kWholeDevice}), "20");
  daemon.wish.tuning.adaptive_rx = Switch::kAuto;
  daemon.apply(daemon.plan());
  EXPECT_EQ(daemon.host.values().at({2, Knob::kAdaptiveRx, 0}), "on");
  EXPECT_THAT(daemon.desire().remarks, SizeIs(1));
  EXPECT_THAT(daemon.log.entries, IsEmpty());
}

// Two NICs of 64 queues have more interrupts than irqbalance can be told of.
TEST(TuningPlan, what_irqbalance_cannot_be_told_of_is_left_to_it_and_said) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kMlx5, 64);
  daemon.host.add_nic(3, name_of("eth1"), NicModel::kMlx5, 64);
  daemon.wish.tuning.cpus.kind = CpuWish::Kind::kAuto;
  const TuningDesire desire = daemon.desire();
  size_t length = kBanCommand.size(), bans = 0, affinities = 0;
  for (const DesiredSetting& wish : desire.settings) {
    affinities += wish.setting.knob == Knob::kIrqAffinity ? 1 : 0;
    if (wish.setting.knob != Knob::kIrqBan) continue;
    ++bans;
    length += fmt::formatted_size(" {}", wish.setting.index);
  }
  EXPECT_LE(length, kLongestBanCommand);
  EXPECT_GT(length, kLongestBanCommand - 8) << "as many as there is room for";
  EXPECT_EQ(affinities, bans) << "irqbalance would move the others back";
  ASSERT_THAT(desire.remarks, SizeIs(2));
  EXPECT_EQ(desire.remarks[0].thing, "eth0");
  EXPECT_THAT(desire.remarks[0].why, HasSubstr("the queues 60-63"));
  EXPECT_THAT(desire.remarks[0].remedy, HasSubstr("--banmod=mlx5_core"));
  // Which they are does not change by itself.
  daemon.apply(daemon.plan());
  EXPECT_THAT(daemon.plan().steps, IsEmpty());
  EXPECT_THAT(daemon.desire().remarks, SizeIs(2));
}

TEST(TuningPlan, rules_leave_channels_before_these_go) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kMlx5, 4);
  for (uint32_t i = 0; i < 4; ++i)
    daemon.wish = make_wish(daemon.wish.tuning, {guest(0), guest(1), guest(2), guest(3)});
  daemon.apply(daemon.plan());
  EXPECT_EQ(daemon.host.values().at({2, Knob::kRule, 3}), "52:54:00:00:00:03 queue 3");
  daemon.wish.tuning.channels = {NumberWish::Kind::kGiven, 2};
  const TuningPlan plan = daemon.plan();
  const auto texts = texts_of(plan);
  ASSERT_GE(texts.size(), 3U);
  EXPECT_EQ(texts[0], "rule 2 of eth0: 52:54:00:00:00:02 queue 2 -> 52:54:00:00:00:02 queue 0");
  EXPECT_EQ(texts[1], "rule 3 of eth0: 52:54:00:00:00:03 queue 3 -> 52:54:00:00:00:03 queue 1");
  EXPECT_EQ(texts[2], "channels of eth0: 4 -> 2");
  daemon.apply(plan);  // the fake refuses rules and channels that do not fit
}

TEST(TuningPlan, a_foreign_rule_keeps_its_channel) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kMlx5, 4);
  daemon.host.put({2, Knob::kRule, 9}, "52:54:00:00:00:77 queue 3");
  daemon.wish.tuning.channels = {NumberWish::Kind::kGiven, 2};
  const TuningPlan plan = daemon.plan();
  EXPECT_THAT(plan.steps, IsEmpty());
  ASSERT_THAT(plan.remarks, SizeIs(1));
  EXPECT_THAT(plan.remarks[0].remedy, HasSubstr("ethtool -N eth0 delete 9"));
}

TEST(TuningPlan, what_is_held_is_left_as_it_is) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 1);
  daemon.wish.tuning.profile = Profile::kBalanced;
  EXPECT_THAT(texts_of(daemon.plan()),
              ElementsAre("rx-usecs of eth0: 3 -> 16", "tx-usecs of eth0: 0 -> 150"));
  // igb refuses tx-usecs.
  daemon.holding = {{2, Knob::kTxUsecs, kWholeDevice}};
  EXPECT_THAT(texts_of(daemon.plan()), ElementsAre("rx-usecs of eth0: 3 -> 16"));
}

TEST(TuningPlan, a_tx_usecs_that_the_driver_ignores_is_planned_again_and_again) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kMlx5, 1);
  daemon.host.ignore_tx_usecs(2);
  for (const uint32_t index : {kWholeDevice, 0U}) daemon.host.put({2, Knob::kAdaptiveTx, index}, "off");
  daemon.wish.tuning.tx_usecs = {NumberWish::Kind::kGiven, 100};
  daemon.apply(daemon.plan());
  EXPECT_THAT(texts_of(daemon.plan()), testing::Contains("tx-usecs of eth0: 8 -> 100"));
}

TEST(TuningDesire, what_a_nic_cannot_do_is_said) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 2);
  daemon.wish.tuning.channels = {NumberWish::Kind::kGiven, 16};
  daemon.wish.tuning.ring_rx = {NumberWish::Kind::kGiven, 8192};
  daemon.wish = make_wish(daemon.wish.tuning, {guest(0)});
  const TuningDesire desire = daemon.desire();
  EXPECT_THAT(desire.settings, IsEmpty());
  std::vector<std::string> whys;
  for (const Remark& remark : desire.remarks) whys.push_back(remark.why);
  EXPECT_THAT(whys, ElementsAre(HasSubstr("8 channels at most, and 16 are wanted"),
                                HasSubstr("ring-rx holds 4096 descriptors at most"),
                                HasSubstr("steers by no rules")));
}

// "It is illegal to set both usecs and max_frames to zero" (<linux/ethtool.h>).
TEST(TuningDesire, a_nic_is_not_told_never_to_interrupt) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kMlx5Old, 1);
  daemon.host.put({2, Knob::kAdaptiveRx, kWholeDevice}, "off");
  daemon.host.put({2, Knob::kRxFrames, kWholeDevice}, "0");
  daemon.wish.tuning.rx_usecs = {NumberWish::Kind::kGiven, 0};
  const TuningDesire desire = daemon.desire();
  EXPECT_THAT(desire.settings, IsEmpty());
  ASSERT_THAT(desire.remarks, SizeIs(1));
  EXPECT_THAT(desire.remarks[0].why, HasSubstr("rx-usecs is not set"));
  EXPECT_THAT(desire.remarks[0].remedy, HasSubstr("rx_frames to 1"));
  daemon.wish.tuning.force = true;
  EXPECT_THAT(texts_of(daemon.plan()), ElementsAre("rx-usecs of eth0: 8 -> 0"));
  daemon.wish.tuning.force = false;
  daemon.wish.tuning.rx_frames = {NumberWish::Kind::kGiven, 1};
  EXPECT_THAT(texts_of(daemon.plan()), ElementsAre("rx-usecs of eth0: 8 -> 0", "rx-frames of eth0: 0 -> 1"));
  // One that has no frames to count interrupts for each.
  Daemon other;
  other.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 1);
  other.wish.tuning.rx_usecs = {NumberWish::Kind::kGiven, 0};
  EXPECT_THAT(texts_of(other.plan()), ElementsAre("rx-usecs of eth0: 3 -> 0"));
}

TEST(TuningDesire, what_guests_ask_for_where_no_member_steers_is_said_once) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 2);
  std::vector<Guest> guests = {guest(0), guest(1), guest(2)};
  guests[0].cpu = 1;
  guests[1].profile = Profile::kLatency;
  daemon.wish = make_wish(daemon.wish.tuning, guests);
  const TuningDesire desire = daemon.desire();
  ASSERT_THAT(desire.remarks, SizeIs(2));
  EXPECT_THAT(desire.remarks[1].why, HasSubstr("2 ask for a CPU or a profile of their own"));
}

TEST(TuningDesire, a_qdisc_that_somebody_configured_stays) {
  Daemon daemon;
  daemon.wish.tuning.noqueue = NoQueue::kHost;
  daemon.host.add_tap(10, name_of("tap0"), "fq_codel");
  daemon.host.add_tap(11, name_of("tap1"), "fq_codel 8001:");
  daemon.taps = {{10, name_of("tap0")}, {11, name_of("tap1")}};
  const TuningDesire desire = daemon.desire();
  ASSERT_THAT(desire.remarks, SizeIs(1));
  EXPECT_EQ(desire.remarks[0].thing, "tap1");
  EXPECT_THAT(texts_of(daemon.plan()),
              ElementsAre("qdisc of tap0: fq_codel -> noqueue", "default-qdisc of : fq_codel -> noqueue"));
}

TEST(TuningDesire, the_bound_stays_while_the_link_is_down) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kMlx5, 1);
  daemon.wish.tuning.profile = Profile::kBalanced;
  daemon.apply(daemon.plan());
  EXPECT_EQ(daemon.host.values().at({2, Knob::kTxUsecs, kWholeDevice}), "150");
  daemon.host.nic(2).speed_mbps = 0;
  EXPECT_THAT(daemon.plan().steps, IsEmpty());
}

TEST(UndoLog, keeps_the_oldest_value_and_forgets_what_is_put_back) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 1);
  const Setting usecs{2, Knob::kRxUsecs, kWholeDevice};
  for (const uint32_t value : {20U, 30U, 40U}) {
    daemon.wish.tuning.rx_usecs = {NumberWish::Kind::kGiven, value};
    daemon.apply(daemon.plan());
  }
  ASSERT_THAT(daemon.log.entries, SizeIs(1));
  EXPECT_EQ(daemon.log.entries[0], (UndoEntry{usecs, name_of("eth0"), "3", "40", std::nullopt, false}));
  daemon.wish.tuning.rx_usecs = {NumberWish::Kind::kKeep, 0};
  EXPECT_THAT(texts_of(daemon.plan()), ElementsAre("rx-usecs of eth0: 40 -> 3"));
  daemon.apply(daemon.plan());
  EXPECT_THAT(daemon.log.entries, IsEmpty());
}

TEST(TuningPlan, a_default_goes_back_before_the_taps_that_have_it) {
  Daemon daemon;
  daemon.host.add_tap(10, name_of("tap0"), "fq_codel");
  daemon.taps = {{10, name_of("tap0")}};
  daemon.wish.tuning.noqueue = NoQueue::kHost;
  daemon.apply(daemon.plan());
  EXPECT_THAT(texts_of(daemon.revert()),
              ElementsAre("default-qdisc of : noqueue -> fq_codel", "qdisc of tap0: noqueue -> fq_codel"));
  daemon.apply(daemon.revert());
  EXPECT_THAT(daemon.log.entries, IsEmpty());
}

TEST(TuningPlan, sending_has_its_interrupt_at_its_queues_cpu) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 2);
  daemon.wish.tuning.cpus = {CpuWish::Kind::kGiven, {1, 3}};
  daemon.wish.tuning.ban_irqbalance = false;
  daemon.host.nic(2).queues[1].tx_irq = 250;
  daemon.host.put({2, Knob::kIrqAffinity, 250}, "0-3");
  EXPECT_THAT(texts_of(daemon.plan()), ElementsAre("irq-affinity of interrupt 200 of eth0: 0-3 -> 1",
                                                   "irq-affinity of interrupt 201 of eth0: 0-3 -> 3",
                                                   "irq-affinity of interrupt 250 of eth0: 0-3 -> 3"));
}

TEST(UndoLog, what_is_not_seen_of_a_nic_that_is_there_is_not_forgotten) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 2);
  daemon.wish.tuning.cpus = {CpuWish::Kind::kGiven, {1, 3}};
  daemon.wish.tuning.ban_irqbalance = false;
  const auto before = daemon.host.values();
  daemon.apply(daemon.plan());
  ASSERT_THAT(daemon.log.entries, SizeIs(2));
  // Down: its interrupts have no name.
  const Setting first{2, Knob::kIrqAffinity, 200}, second{2, Knob::kIrqAffinity, 201};
  const std::vector<Queue> queues = daemon.host.nic(2).queues;
  for (Queue& queue : daemon.host.nic(2).queues) queue.irq = 0;
  daemon.host.remove(first);
  daemon.host.remove(second);
  settle(daemon.log, daemon.host.observe());
  EXPECT_THAT(daemon.log.entries, SizeIs(2));
  EXPECT_THAT(daemon.revert().steps, IsEmpty());
  // Up again, as the kernel keeps them.
  daemon.host.nic(2).queues = queues;
  daemon.host.put(first, "1");
  daemon.host.put(second, "3");
  daemon.apply(daemon.revert());
  EXPECT_EQ(daemon.host.values(), before);
  EXPECT_THAT(daemon.log.entries, IsEmpty());
}

TEST(UndoLog, an_interrupt_that_a_nic_has_no_more_is_forgotten) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 2);
  daemon.wish.tuning.cpus = {CpuWish::Kind::kGiven, {1, 3}};
  daemon.apply(daemon.plan());
  daemon.host.nic(2).queues[1].irq = 333;
  for (const Knob knob : {Knob::kIrqAffinity, Knob::kIrqBan}) {
    daemon.host.put({2, knob, 333}, knob == Knob::kIrqBan ? "off" : "0-3");
    daemon.host.remove({2, knob, 201});
  }
  settle(daemon.log, daemon.host.observe());
  EXPECT_EQ(find_entry(daemon.log, {2, Knob::kIrqAffinity, 201}), nullptr);
  EXPECT_NE(find_entry(daemon.log, {2, Knob::kIrqAffinity, 200}), nullptr);
}

TEST(UndoLog, what_the_kernel_keeps_of_an_instance_that_others_took_away_is_not_forgotten) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kMlx5, 2);
  daemon.wish.tuning.napi = *parse_napi_wish("threaded");
  daemon.apply(daemon.plan());
  const Setting second{2, Knob::kNapiThreaded, 1};
  ASSERT_NE(find_entry(daemon.log, second), nullptr);
  // Somebody's ethtool -L, and back: the instance has the value that we set.
  daemon.host.nic(2).napis.pop_back();
  daemon.host.remove(second);
  settle(daemon.log, daemon.host.observe());
  daemon.host.nic(2).napis.push_back(2001);
  daemon.host.put(second, "on");
  daemon.apply(daemon.revert());
  EXPECT_EQ(daemon.host.values().at(second), "off");
}

// Nothing at all is told of its instances, though nobody took them away.
TEST(UndoLog, instances_of_a_nic_that_is_being_reset_are_not_gone) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kMlx5, 2);
  daemon.wish.tuning.napi = *parse_napi_wish("threaded");
  daemon.apply(daemon.plan());
  const Setting channels{2, Knob::kChannels, kWholeDevice}, second{2, Knob::kNapiThreaded, 1};
  daemon.log.entries.push_back({channels, name_of("eth0"), "combined 1", "combined 2", std::nullopt, false});
  std::ranges::sort(daemon.log.entries, {}, &UndoEntry::setting);
  daemon.host.remove(channels);
  for (const uint32_t queue : {0U, 1U}) daemon.host.remove({2, Knob::kNapiThreaded, queue});
  daemon.host.nic(2).napis.clear();
  settle(daemon.log, daemon.host.observe());
  EXPECT_NE(find_entry(daemon.log, second), nullptr);
}

TEST(UndoLog, what_was_begun_and_not_done_was_undone_by_nobody) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 1);
  daemon.wish.tuning.rx_usecs = {NumberWish::Kind::kGiven, 40};
  record(daemon.log, daemon.plan());  // and a crash
  ASSERT_THAT(daemon.plan().steps, SizeIs(1));
  EXPECT_FALSE(daemon.plan().steps[0].reasserts);
  daemon.apply(daemon.plan());
  daemon.host.put({2, Knob::kRxUsecs, kWholeDevice}, "3");
  ASSERT_THAT(daemon.plan().steps, SizeIs(1));
  EXPECT_TRUE(daemon.plan().steps[0].reasserts);
}

TEST(UndoLog, an_entry_about_another_device_of_that_number_is_void) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 1);
  daemon.log.entries = {{{2, Knob::kRxUsecs, kWholeDevice}, name_of("eth9"), "77", "3", std::nullopt, false}};
  EXPECT_THAT(daemon.revert().steps, IsEmpty());
  EXPECT_THAT(settle(daemon.log, daemon.host.observe()).dropped, SizeIs(1));
}

UndoLog some_log() {
  UndoLog log;
  log.entries = {
      {{0, Knob::kDefaultQdisc, kWholeDevice}, {}, "fq_codel", "noqueue", std::nullopt, false},
      {{2, Knob::kRxUsecs, 3}, name_of("eth0"), "8", "16", "20", true},
      {{2, Knob::kRule, 7}, name_of("eth0"), "", "52:54:00:00:00:01 queue 3", std::nullopt, false, true}};
  return log;
}

TEST(UndoText, what_is_written_is_read_back) {
  const UndoLog log = some_log();
  const std::string text = text_of(log, kBoot);
  const auto read = read_undo_text(text, kBoot);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->log, log);
  EXPECT_EQ(read->good_bytes, text.size());
  // Appended lines go before older ones.
  UndoEntry changed = log.entries[1];
  changed.set = "50";
  const auto again = read_undo_text(text + text_of(UndoChanges{{changed}, {log.entries[0]}}, kBoot), kBoot);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_THAT(again->log.entries, ElementsAre(changed, log.entries[2]));
}

TEST(UndoText, a_torn_last_line_costs_only_that_line) {
  const std::string text = text_of(some_log(), kBoot);
  for (size_t size = 0; size < text.size(); ++size) {
    const auto read = read_undo_text(std::string_view(text).substr(0, size), kBoot);
    ASSERT_TRUE(read) << size;
    EXPECT_EQ(read->log.entries.size(),
              static_cast<size_t>(
                  std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), '\n')));
  }
}

TEST(UndoText, another_boot_says_nothing_and_a_broken_line_is_named) {
  const std::string text = text_of(some_log(), kBoot);
  const auto other = read_undo_text(text, "boot-2");
  ASSERT_TRUE(other);
  EXPECT_THAT(other->log.entries, IsEmpty());
  EXPECT_EQ(other->other_boots, 3U);
  const auto broken = read_undo_text(text + "{\"boot\":\"boot-1\"}\n" + text, kBoot);
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, testing::StartsWith("line 4: "));
}

TEST(Fights, three_times_in_two_minutes_then_a_minutes_pause) {
  const Setting setting{2, Knob::kRps, 0};
  TuningPlan plan;
  plan.steps.push_back({.setting = setting,
                        .device = {},
                        .from = "f",
                        .to = "",
                        .reason = "",
                        .resets = false,
                        .reasserts = true});
  Fights fights;
  EXPECT_THAT(fights.count(plan, 1000), IsEmpty());
  EXPECT_THAT(fights.count(plan, 2000), IsEmpty());
  EXPECT_THAT(fights.count(plan, 3000), IsEmpty());
  EXPECT_THAT(fights.held(4000), IsEmpty());
  EXPECT_THAT(fights.count(plan, 5000), ElementsAre(setting));
  EXPECT_THAT(fights.held(5000), ElementsAre(setting));
  EXPECT_EQ(fights.next_ms(), 65000U);
  EXPECT_THAT(fights.held(64999), ElementsAre(setting));
  EXPECT_THAT(fights.held(65000), IsEmpty());
  EXPECT_THAT(fights.count(plan, 65000), IsEmpty());
  // Now and then is no fight.
  Fights slow;
  for (uint64_t minute = 0; minute < 10; ++minute) EXPECT_THAT(slow.count(plan, minute * 60000), IsEmpty());
}

TEST(Fights, a_step_that_sets_again_what_did_not_stay_is_marked) {
  Daemon daemon;
  daemon.host.add_nic(2, name_of("eth0"), NicModel::kIgb, 1);
  daemon.wish.tuning.rx_usecs = {NumberWish::Kind::kGiven, 20};
  ASSERT_THAT(daemon.plan().steps, SizeIs(1));
  EXPECT_FALSE(daemon.plan().steps[0].reasserts);
  daemon.apply(daemon.plan());
  daemon.host.put({2, Knob::kRxUsecs, kWholeDevice}, "3");
  ASSERT_THAT(daemon.plan().steps, SizeIs(1));
  EXPECT_TRUE(daemon.plan().steps[0].reasserts);
}

}  // namespace
}  // namespace xdpfwd::test

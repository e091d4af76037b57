// SPDX-License-Identifier: BSD-2-Clause
// Which pollers there are for which queues, and which queues no poller can have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "poller/options.h"
#include "support/fake_host_tuning.h"
#include "tuning/desire.h"
#include "tuning/pollers.h"

namespace xdpfwd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class TuningPollers : public testing::Test {
 protected:
  TuningPollers() {
    fake_.add_nic(2, *InterfaceName::parse("eth0"), test::NicModel::kMlx5, 4);
    fake_.add_nic(3, *InterfaceName::parse("eth1"), test::NicModel::kMlx5, 4);
  }
  // "cpu4: eth0:0 eth1:0", each.
  std::vector<std::string> choose(const char* wish, const std::vector<uint32_t>& cpus,
                                  const std::vector<uint32_t>& unpolled = {}) {
    tuning_.napi = *parse_napi_wish(wish);
    remarks_.clear();
    choice_ = choose_pollers(tuning_, fake_.observe(), cpus, unpolled, {}, remarks_);
    std::vector<std::string> texts;
    for (const Poller& poller : choice_.pollers) {
      std::string text = poller.name() + ":";
      for (const Poller::Queue& queue : poller.queues)
        text += " " + queue.device.text() + ":" + std::to_string(queue.number);
      texts.push_back(text);
    }
    return texts;
  }
  test::FakeHostTuning fake_{8};
  TuningSettings tuning_;
  std::vector<Remark> remarks_;
  PollerChoice choice_;
};

TEST_F(TuningPollers, one_for_each_cpu_with_its_queues_of_all_members) {
  EXPECT_THAT(choose("busy-poll", {4, 5}),
              ElementsAre("cpu4: eth0:0 eth1:0 eth0:2 eth1:2", "cpu5: eth0:1 eth1:1 eth0:3 eth1:3"));
  EXPECT_EQ(choice_.napi, tuning_.napi);
  EXPECT_THAT(remarks_, IsEmpty());
  EXPECT_EQ(
      choice_.pollers[1].configuration(),
      "cpu = 5\n"
      "queue = [\"eth0:1,period=10\", \"eth1:1,period=10\", \"eth0:3,period=10\", \"eth1:3,period=10\"]\n");
}

TEST_F(TuningPollers, only_for_queues_in_that_mode) {
  EXPECT_THAT(choose("threaded, 1 busy-poll", {4, 5}), ElementsAre("cpu5: eth0:1 eth1:1"));
  EXPECT_EQ(choice_.pollers[0].period_us, 10U);
  EXPECT_THAT(choose("threaded", {4, 5}), IsEmpty());
  EXPECT_THAT(choose("keep, 7 busy-poll", {4, 5}), IsEmpty()) << "there is no queue 7";
}

TEST_F(TuningPollers, only_for_queues_that_really_are_in_that_mode) {
  // Which instance is a queue's is not told; all have the mode of all.
  fake_.add_nic(4, *InterfaceName::parse("eth2"), test::NicModel::kIgb, 4);
  EXPECT_THAT(choose("softirq, 0 busy-poll", {4, 5}), ElementsAre("cpu4: eth0:0 eth1:0"));
  EXPECT_THAT(choose("busy-poll, 1-3 softirq", {4}),
              ElementsAre("cpu4: eth0:0 eth1:0 eth2:0 eth2:1 eth2:2 eth2:3"));
  // One has threads for the whole NIC, or for none of it; deferral by the instance.
  fake_.remove_nic(4);
  fake_.add_nic(4, *InterfaceName::parse("eth2"), test::NicModel::kVirtio, 4);
  EXPECT_THAT(choose("auto, 0 busy-poll", {4, 5}), ElementsAre("cpu4: eth0:0 eth1:0"));
  EXPECT_THAT(choose("softirq, 0 busy-poll", {4, 5}), ElementsAre("cpu4: eth0:0 eth1:0 eth2:0"));
  EXPECT_THAT(choose("keep, 0 busy-poll", {4, 5}), ElementsAre("cpu4: eth0:0 eth1:0 eth2:0"))
      << "there is no thread that would be kept";
  fake_.put({4, Knob::kNapiThreaded, kWholeDevice}, "on");
  EXPECT_THAT(choose("keep, 0 busy-poll", {4, 5}), ElementsAre("cpu4: eth0:0 eth1:0"));
}

TEST_F(TuningPollers, a_round_of_turns_is_over_before_the_kernels_timer) {
  tuning_.napi_usecs = {NumberWish::Kind::kGiven, 40};
  choose("busy-poll", {4});
  EXPECT_EQ(choice_.pollers.at(0).queues.size(), 8U);
  EXPECT_EQ(choice_.pollers[0].period_us, 2U);
}

TEST_F(TuningPollers, are_told_when_a_queue_is_idle) {
  choose("busy-poll", {4});
  EXPECT_THAT(choice_.pollers.at(0).configuration(), Not(HasSubstr("idle-ms")));
  tuning_.napi_idle_ms = {NumberWish::Kind::kGiven, 0};
  choose("busy-poll", {4});
  EXPECT_THAT(choice_.pollers.at(0).configuration(), HasSubstr("\nidle-ms = 0\n"));
}

// By the reader of xdpfwd-poller's file.
TEST_F(TuningPollers, a_nic_of_any_name_is_read_back) {
  for (int c = 1; c < 256; ++c) {
    const auto name = InterfaceName::parse(std::string("a") + static_cast<char>(c) + "b");
    if (!name) continue;
    const Poller poller{
        .cpu = 4, .period_us = 10, .queues = {{*name, 2}, {*InterfaceName::parse("eth1"), 0}}};
    std::istringstream file(poller.configuration());
    const auto items = CLI::App().get_config_formatter()->from_config(file);
    ASSERT_THAT(items, SizeIs(2)) << poller.configuration();
    ASSERT_THAT(items[1].inputs, SizeIs(2)) << poller.configuration();
    const auto queue = poller::parse_queue(items[1].inputs[0]);
    ASSERT_TRUE(queue) << queue.error().text();
    EXPECT_EQ(queue->name(), name->text() + ":2");
    EXPECT_EQ(queue->period.count(), 10);
  }
}

TEST_F(TuningPollers, a_nic_that_is_down_has_none) {
  fake_.nic(3).napis.clear();
  EXPECT_THAT(choose("busy-poll", {4, 5, 6, 7}),
              ElementsAre("cpu4: eth0:0", "cpu5: eth0:1", "cpu6: eth0:2", "cpu7: eth0:3"));
}

TEST_F(TuningPollers, where_no_instance_is_seen_all_is_deferred) {
  fake_.nic(2).napis.clear();
  fake_.nic(3).napis.clear();
  EXPECT_THAT(choose("softirq, 1 busy-poll", {4, 5}), IsEmpty());
  EXPECT_EQ(choice_.napi, *parse_napi_wish("softirq, 1 deferred"));
  ASSERT_THAT(remarks_, SizeIs(1));
  EXPECT_FALSE(remarks_[0].problem);
  choose("softirq", {4, 5});
  EXPECT_THAT(remarks_, IsEmpty());
}

TEST_F(TuningPollers, without_cpus_of_ours_those_of_the_interrupts) {
  const HostTuning host = fake_.observe();
  for (const Nic& nic : host.nics)
    for (uint32_t queue = 0; queue < 4; ++queue)
      fake_.put({nic.ifindex, Knob::kIrqAffinity, nic.queues[queue].irq},
                queue == 3 ? "0-7" : std::to_string(queue));
  EXPECT_THAT(choose("busy-poll", {}),
              ElementsAre("cpu0: eth0:0 eth1:0", "cpu1: eth0:1 eth1:1", "cpu2: eth0:2 eth1:2"));
  ASSERT_THAT(remarks_, SizeIs(1));
  EXPECT_THAT(remarks_[0].why, HasSubstr("queues 3 are deferred"));
  EXPECT_TRUE(remarks_[0].problem);
  EXPECT_EQ(choice_.napi.of_queue(3), NapiMode::kDeferred);
  EXPECT_EQ(choice_.napi.of_queue(2), NapiMode::kBusyPoll);
}

TEST_F(TuningPollers, what_nothing_polls_is_deferred_on_all_members) {
  EXPECT_THAT(choose("busy-poll, 0 softirq", {4, 5, 6, 7}, {1, 2}), ElementsAre("cpu7: eth0:3 eth1:3"));
  EXPECT_EQ(choice_.napi.of_queue(0), NapiMode::kSoftirq);
  EXPECT_EQ(choice_.napi.of_queue(1), NapiMode::kDeferred);
  EXPECT_EQ(choice_.napi.of_queue(2), NapiMode::kDeferred);
  EXPECT_EQ(choice_.napi.of_queue(3), NapiMode::kBusyPoll);
  ASSERT_THAT(remarks_, SizeIs(1));
  EXPECT_THAT(remarks_[0].why, HasSubstr("queues 1-2 are deferred"));
  EXPECT_THAT(choose("busy-poll, 0 softirq", {4, 5, 6, 7}, {1, 2, 3}), IsEmpty());
  EXPECT_EQ(choice_.napi.mode, NapiMode::kDeferred) << "where a NIC has one mode for all queues, it is this";
  EXPECT_THAT(choose("softirq, 0-1 busy-poll", {4, 5}, {1}), ElementsAre("cpu4: eth0:0 eth1:0"));
  EXPECT_EQ(choice_.napi.of_queue(0), NapiMode::kBusyPoll);
  EXPECT_EQ(choice_.napi.of_queue(1), NapiMode::kDeferred);
  EXPECT_EQ(choice_.napi.of_queue(2), NapiMode::kSoftirq);
}

TEST_F(TuningPollers, more_queues_than_a_poller_takes_are_deferred) {
  fake_.add_nic(4, *InterfaceName::parse("eth2"), test::NicModel::kMlx5, 10);
  EXPECT_THAT(choose("busy-poll", {4}), ElementsAre(HasSubstr("eth2:7")));
  EXPECT_EQ(choice_.pollers[0].queues.size(), 16U);
  EXPECT_EQ(choice_.napi.of_queue(7), NapiMode::kBusyPoll);
  EXPECT_EQ(choice_.napi.of_queue(8), NapiMode::kDeferred);
  ASSERT_THAT(remarks_, SizeIs(1));
  EXPECT_THAT(remarks_[0].why, HasSubstr("queues 8-9 are deferred"));
}

TEST_F(TuningPollers, all_cpus_are_too_many) {
  choose("busy-poll", {0, 1, 2, 3});
  EXPECT_THAT(remarks_, IsEmpty());
  fake_.add_nic(4, *InterfaceName::parse("eth2"), test::NicModel::kMlx5, 8);
  choose("busy-poll", {0, 1, 2, 3, 4, 5, 6, 7});
  ASSERT_THAT(remarks_, SizeIs(1));
  EXPECT_THAT(remarks_[0].why, HasSubstr("all 8 CPUs have a poller"));
}

TEST_F(TuningPollers, the_settings_follow_what_can_be_polled) {
  Wish wish;
  wish.tuning.profile = Profile::kNone;
  wish.tuning.cpus = {CpuWish::Kind::kGiven, {4, 5, 6, 7}};
  wish.tuning.napi = *parse_napi_wish("busy-poll");
  const TuningDesire desire = desire_tuning(wish, fake_.observe(), {}, {}, {}, {}, {2});
  EXPECT_THAT(desire.pollers, SizeIs(3));
  const auto value = [&](uint32_t place) {
    const auto at =
        std::ranges::find(desire.settings, Setting{2, Knob::kNapiDefer, place}, &DesiredSetting::setting);
    return at == desire.settings.end() ? std::string() : at->value;
  };
  EXPECT_EQ(value(1), "2");
  EXPECT_EQ(value(2), "100");
}

}  // namespace
}  // namespace xdpfwd

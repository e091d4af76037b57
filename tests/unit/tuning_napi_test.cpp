// SPDX-License-Identifier: BSD-2-Clause
// What a mode sets of a NIC's NAPI instances, on kernels that have it by the instance and by the NIC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_host_tuning.h"
#include "tuning/desire.h"
#include "tuning/napi_modes.h"

namespace xdpfwd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint32_t kNic = 2;

class NapiModes : public testing::Test {
 protected:
  // "napi-threaded of NAPI 0 = on", each.
  std::vector<std::string> choose(test::NicModel model, const char* wish, bool threads = false) {
    test::FakeHostTuning fake(8);
    fake.add_nic(kNic, *InterfaceName::parse("eth0"), model, 2);
    if (threads)
      for (const uint32_t index : {0U, 1U, kWholeDevice}) {
        const Setting setting{kNic, Knob::kNapiThreaded, index};
        if (!fake.values().contains(setting)) continue;
        EXPECT_TRUE(fake.apply({.setting = setting, .name = *InterfaceName::parse("eth0"), .value = "on"}));
      }
    const HostTuning host = fake.observe();
    tuning_.napi = *parse_napi_wish(wish);
    remarks_.clear();
    std::vector<std::string> texts;
    for (const NapiDesire& desire : choose_napi(tuning_, host.nics.at(0), host, {4, 5}, remarks_))
      texts.push_back(text_of(desire.setting) + " = " + desire.value);
    return texts;
  }
  TuningSettings tuning_;
  std::vector<Remark> remarks_;
};

TEST_F(NapiModes, nothing_is_wanted_of_what_is_kept) {
  EXPECT_THAT(choose(test::NicModel::kMlx5, "keep"), IsEmpty());
  EXPECT_THAT(remarks_, IsEmpty());
}

TEST_F(NapiModes, each_instance_where_the_kernel_has_that) {
  EXPECT_THAT(choose(test::NicModel::kMlx5, "threaded, 1 deferred"),
              ElementsAre("napi-threaded of NAPI 0 = on", "napi-threaded of NAPI 1 = off",
                          "napi-defer-hard-irqs of NAPI 0 = 0", "napi-defer-hard-irqs of NAPI 1 = 100",
                          "gro-flush-timeout of NAPI 0 = 0", "gro-flush-timeout of NAPI 1 = 50000",
                          "napi-thread-cpus of NAPI 0 = 4"));
  EXPECT_THAT(remarks_, IsEmpty());
  tuning_.napi_usecs = {NumberWish::Kind::kGiven, 20};
  tuning_.napi_polls = {NumberWish::Kind::kGiven, 7};
  EXPECT_THAT(choose(test::NicModel::kMlx5, "keep, 0 deferred"),
              ElementsAre("napi-threaded of NAPI 0 = off", "napi-defer-hard-irqs of NAPI 0 = 7",
                          "gro-flush-timeout of NAPI 0 = 20000"));
}

TEST_F(NapiModes, what_is_busy_polled_has_no_thread_and_is_the_timers_when_the_poller_does_not_come) {
  EXPECT_THAT(choose(test::NicModel::kMlx5, "softirq, 1 busy-poll"),
              ElementsAre("napi-threaded of NAPI 0 = off", "napi-threaded of NAPI 1 = off",
                          "napi-defer-hard-irqs of NAPI 0 = 0", "napi-defer-hard-irqs of NAPI 1 = 2",
                          "gro-flush-timeout of NAPI 0 = 0", "gro-flush-timeout of NAPI 1 = 200000"));
  tuning_.napi_usecs = {NumberWish::Kind::kGiven, 20};
  EXPECT_THAT(choose(test::NicModel::kIgb, "busy-poll"),
              ElementsAre("napi-threaded = off", "napi-defer-hard-irqs = 2", "gro-flush-timeout = 20000"));
}

TEST_F(NapiModes, a_thread_that_the_poller_made_stays) {
  test::FakeHostTuning fake(8);
  fake.add_nic(kNic, *InterfaceName::parse("eth0"), test::NicModel::kMlx5, 1);
  fake.put({kNic, Knob::kNapiThreaded, 0}, "busy-poll");
  const HostTuning host = fake.observe();
  for (const auto& [wish, value] : {std::pair("busy-poll", "busy-poll"), std::pair("softirq", "off")}) {
    tuning_.napi = *parse_napi_wish(wish);
    const auto desires = choose_napi(tuning_, host.nics.at(0), host, {4}, remarks_);
    ASSERT_FALSE(desires.empty());
    EXPECT_EQ(text_of(desires[0].setting) + " = " + desires[0].value,
              std::string("napi-threaded of NAPI 0 = ") + value);
  }
}

TEST_F(NapiModes, the_nic_where_the_kernel_has_one_value_for_it) {
  EXPECT_THAT(choose(test::NicModel::kIgb, "deferred"),
              ElementsAre("napi-threaded = off", "napi-defer-hard-irqs = 100", "gro-flush-timeout = 50000"));
  EXPECT_THAT(remarks_, IsEmpty());
}

TEST_F(NapiModes, threads_get_the_cpu_of_their_queue) {
  tuning_.napi_thread = ThreadSchedule{ThreadSchedule::Policy::kOther, -10};
  for (const bool there : {true, false})
    EXPECT_THAT(choose(test::NicModel::kIgb, "threaded", there),
                ElementsAre("napi-threaded = on", "napi-defer-hard-irqs = 0", "gro-flush-timeout = 0",
                            "napi-thread-cpus of NAPI 0 = 4", "napi-thread-sched of NAPI 0 = other -10",
                            "napi-thread-cpus of NAPI 1 = 5", "napi-thread-sched of NAPI 1 = other -10"));
}

TEST_F(NapiModes, packed_threads_stay_on_a_cpu_that_they_may_use) {
  test::FakeHostTuning fake(8);
  const auto eth0 = *InterfaceName::parse("eth0");
  fake.add_nic(kNic, eth0, test::NicModel::kMlx5, 2);
  for (const uint32_t place : {0U, 1U})
    EXPECT_TRUE(fake.apply({.setting = {kNic, Knob::kNapiThreaded, place}, .name = eth0, .value = "on"}));
  tuning_.napi = *parse_napi_wish("auto");
  const std::vector<uint32_t> cpus = {4, 5};
  const auto cpu = [&](uint32_t place) {
    const HostTuning host = fake.observe();
    return cpu_of_napi(tuning_, host.nics.at(0), host, cpus, place);
  };
  EXPECT_EQ(cpu(0), 4U) << "at first that of its queue";
  fake.put({kNic, Knob::kThreadCpus, 0}, "5");
  EXPECT_EQ(cpu(0), 5U) << "then where it is";
  fake.put({kNic, Knob::kThreadCpus, 0}, "6");
  EXPECT_EQ(cpu(0), 4U) << "not where it may not be";
  fake.put({kNic, Knob::kThreadCpus, 0}, "4-5");
  EXPECT_EQ(cpu(0), 4U) << "nor on several";
  tuning_.napi = *parse_napi_wish("threaded");
  fake.put({kNic, Knob::kThreadCpus, 0}, "5");
  EXPECT_EQ(cpu(0), 4U) << "only in mode auto";
}

TEST_F(NapiModes, packed_threads_keep_off_the_cpus_of_other_modes) {
  test::FakeHostTuning fake(8);
  const auto eth0 = *InterfaceName::parse("eth0");
  fake.add_nic(kNic, eth0, test::NicModel::kMlx5, 4);
  const std::vector<uint32_t> cpus = {4, 5, 6, 7};
  const auto packed = [&](const char* wish) {
    tuning_.napi = *parse_napi_wish(wish);
    return cpus_to_pack(tuning_, fake.observe(), cpus);
  };
  EXPECT_THAT(packed("auto"), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(packed("auto, 2-3 busy-poll"), ElementsAre(4, 5));
  EXPECT_THAT(packed("threaded, 1 auto"), ElementsAre(5));
  for (const uint32_t place : {0U, 1U, 2U, 3U})
    EXPECT_TRUE(fake.apply({.setting = {kNic, Knob::kNapiThreaded, place}, .name = eth0, .value = "on"}));
  fake.put({kNic, Knob::kThreadCpus, 1}, "6");
  const HostTuning host = fake.observe();
  EXPECT_EQ(cpu_of_napi(tuning_, host.nics.at(0), host, cpus, 1), 5U) << "though it is on one of them now";
  // A queue more than CPUs: nothing is free of others, but the poller's still is.
  fake.add_nic(kNic + 1, *InterfaceName::parse("eth1"), test::NicModel::kMlx5, 5);
  EXPECT_THAT(packed("threaded, 0 auto, 1 busy-poll"), ElementsAre(4, 6, 7));
  EXPECT_THAT(packed("busy-poll, 0 auto"), ElementsAre(4, 5, 6, 7)) << "none is left";
}

TEST_F(NapiModes, packed_threads_use_the_cpu_of_a_queue_that_cannot_be_in_a_mode_of_its_own) {
  for (const auto model : {test::NicModel::kIgb, test::NicModel::kVirtio}) {
    test::FakeHostTuning fake(8);
    fake.add_nic(kNic, *InterfaceName::parse("eth0"), model, 4);
    tuning_.napi = *parse_napi_wish("auto, 0 busy-poll");
    const HostTuning host = fake.observe();
    const Nic& nic = host.nics.at(0);
    EXPECT_EQ(mode_of_napi(tuning_, nic, host, 0), NapiMode::kAuto);
    EXPECT_THAT(cpus_to_pack(tuning_, host, {4, 5, 6, 7}), ElementsAre(4, 5, 6, 7));
    EXPECT_EQ(cpu_of_napi(tuning_, nic, host, {4, 5, 6, 7}, 0), 4U);
  }
}

TEST_F(NapiModes, threads_that_are_not_seen_from_here_are_told) {
  test::FakeHostTuning fake(8);
  fake.add_nic(kNic, *InterfaceName::parse("eth0"), test::NicModel::kMlx5, 2);
  HostTuning host = fake.observe();
  host.hides_threads = true;
  for (const char* wish : {"auto", "threaded", "softirq, 1 auto"}) {
    tuning_.napi = *parse_napi_wish(wish);
    remarks_.clear();
    choose_napi(tuning_, host.nics.at(0), host, {4, 5}, remarks_);
    ASSERT_THAT(remarks_, SizeIs(1)) << wish;
    EXPECT_TRUE(remarks_[0].problem);
    EXPECT_THAT(remarks_[0].why, HasSubstr("PID namespace"));
  }
  tuning_.napi = *parse_napi_wish("softirq, 1 deferred");
  remarks_.clear();
  choose_napi(tuning_, host.nics.at(0), host, {4, 5}, remarks_);
  EXPECT_THAT(remarks_, IsEmpty()) << "nobody wants threads";
}

TEST_F(NapiModes, packing_without_cpus_is_told) {
  test::FakeHostTuning fake(8);
  fake.add_nic(kNic, *InterfaceName::parse("eth0"), test::NicModel::kMlx5, 2);
  tuning_.napi = *parse_napi_wish("auto");
  const HostTuning host = fake.observe();
  choose_napi(tuning_, host.nics.at(0), host, {}, remarks_);
  ASSERT_THAT(remarks_, SizeIs(1));
  EXPECT_TRUE(remarks_[0].problem);
  EXPECT_THAT(remarks_[0].remedy, HasSubstr("tuning.cpus"));
}

TEST_F(NapiModes, nothing_runs_elsewhere_while_all_cpus_of_the_list_are_offline) {
  test::FakeHostTuning fake(2);
  fake.add_nic(kNic, *InterfaceName::parse("eth0"), test::NicModel::kMlx5, 2);
  Wish wish;
  wish.tuning.profile = Profile::kNone;
  wish.tuning.cpus = {CpuWish::Kind::kGiven, {7}};
  const std::pair<const char*, const char*> cases[] = {
      {"auto", "keep"}, {"softirq, 1 threaded", "softirq, 1 keep"}, {"busy-poll", "deferred"}};
  const auto texts = [](const TuningDesire& desire) {
    std::vector<std::string> all;
    for (const DesiredSetting& setting : desire.settings)
      all.push_back(text_of(setting.setting) + " = " + setting.value);
    return all;
  };
  for (const auto& [asked, instead] : cases) {
    wish.tuning.napi = *parse_napi_wish(asked);
    const TuningDesire desire = desire_tuning(wish, fake.observe(), {}, {}, {}, {}, {});
    EXPECT_THAT(desire.pollers, IsEmpty());
    wish.tuning.napi = *parse_napi_wish(instead);
    EXPECT_EQ(texts(desire), texts(desire_tuning(wish, fake.observe(), {}, {}, {}, {}, {}))) << asked;
    EXPECT_TRUE(std::ranges::any_of(desire.remarks, [](const Remark& remark) {
      return remark.problem && remark.why.contains("none of its CPUs (7) is online");
    })) << asked;
    EXPECT_FALSE(std::ranges::any_of(
        desire.remarks, [](const Remark& remark) { return remark.why.contains("says no CPUs"); }));
  }
}

TEST_F(NapiModes, queues_that_no_member_has_are_told) {
  test::FakeHostTuning fake(2);
  fake.add_nic(kNic, *InterfaceName::parse("eth0"), test::NicModel::kMlx5, 2);
  fake.add_nic(kNic + 1, *InterfaceName::parse("eth1"), test::NicModel::kMlx5, 4);
  Wish wish;
  const auto remarks = [&](const char* modes) {
    wish.tuning.napi = *parse_napi_wish(modes);
    auto told = desire_tuning(wish, fake.observe(), {}, {}, {}, {}, {}).remarks;
    std::erase_if(told, [](const Remark& remark) { return remark.thing != "tuning.napi"; });
    return told;
  };
  wish.tuning.channels.kind = NumberWish::Kind::kKeep;
  EXPECT_THAT(remarks("keep, 3 threaded"), IsEmpty()) << "one of them has it";
  for (const char* modes : {"keep, 7 busy-poll", "keep, 3,7 threaded"}) {
    ASSERT_THAT(remarks(modes), SizeIs(1));
    EXPECT_THAT(remarks(modes)[0].why, HasSubstr("for queue 7: no member has it"));
    EXPECT_THAT(remarks(modes)[0].remedy, HasSubstr("from 0 to 3"));
    EXPECT_TRUE(remarks(modes)[0].problem);
  }
  wish.tuning.channels = {NumberWish::Kind::kGiven, 8};
  EXPECT_THAT(remarks("keep, 7 threaded"), IsEmpty()) << "they are about to have it";
}

TEST_F(NapiModes, queues_that_cannot_differ_are_told) {
  choose(test::NicModel::kIgb, "softirq, 1 threaded");
  ASSERT_THAT(remarks_, SizeIs(1));
  EXPECT_TRUE(remarks_[0].problem);
  EXPECT_THAT(remarks_[0].why, HasSubstr("driver (igb) does not tell which NAPI instance is a queue's"));
  choose(test::NicModel::kVirtio, "softirq, 1 threaded");
  ASSERT_THAT(remarks_, SizeIs(1));
  EXPECT_TRUE(remarks_[0].problem);
  EXPECT_THAT(remarks_[0].why, HasSubstr("one value for all queues"));
  EXPECT_THAT(remarks_[0].why, HasSubstr("queues 1 are in mode softirq"));
}

TEST_F(NapiModes, queues_differ_in_what_the_kernel_has_by_the_instance) {
  EXPECT_THAT(choose(test::NicModel::kVirtio, "softirq, 1 deferred"),
              ElementsAre("napi-threaded = off", "napi-defer-hard-irqs of NAPI 0 = 0",
                          "napi-defer-hard-irqs of NAPI 1 = 100", "gro-flush-timeout of NAPI 0 = 0",
                          "gro-flush-timeout of NAPI 1 = 50000"));
  EXPECT_THAT(remarks_, IsEmpty());
  EXPECT_THAT(choose(test::NicModel::kVirtio, "threaded, 1 deferred"),
              testing::Contains("napi-defer-hard-irqs of NAPI 1 = 0"))
      << "all have threads";
  EXPECT_THAT(remarks_, SizeIs(1));
}

}  // namespace
}  // namespace xdpfwd

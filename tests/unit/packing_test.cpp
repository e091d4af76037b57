// SPDX-License-Identifier: BSD-2-Clause
// Mode auto: threads and interrupts are packed on few CPUs, spread again, and put back where they were before
// us, whatever happens between.
#include "shell/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/knob_kernel.h"
#include "support/scratch_directory.h"
#include "tuning/packing.h"

namespace xdpfwd {
namespace {

using test::NicModel;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint32_t kNic = 2;
constexpr uint32_t kQueues = 4;

InterfaceName nic_name() {
  return InterfaceName::parse("eth0").value();
}

class PackingTest : public testing::Test {
 protected:
  PackingTest() {
    kernel_.host.irqbalance = false;
    kernel_.host.add_nic(kNic, nic_name(), NicModel::kMlx5, kQueues);
    devices_.nics = {{kNic, nic_name(), true}};
    devices_.names = {{kNic, nic_name()}};
    tuning_.apply = TuningApply::kAuto;
    tuning_.profile = Profile::kNone;
    tuning_.napi = parse_napi_wish("auto").value();
    before_ = kernel_.host.values();
    start();
  }
  void start() {
    packing_.reset();
    tuner_ = std::make_unique<Tuner>(kernel_, scratch_.path(), "boot-1");
    tuner_->load();
    tuner_->set_wish(make_wish(tuning_, {}));
    packing_ = std::make_unique<Packing>(kernel_, *tuner_);
    look();
  }
  void look() {
    now_ms_ += Tuner::kPauseMs;
    kernel_.time_ns += Tuner::kPauseMs * 1'000'000;
    tuner_->look(devices_, now_ms_);
  }
  // Control intervals in which each NAPI's thread runs for so many percent, and waits for its CPU for so
  // many.
  void run(const std::vector<uint32_t>& percent, size_t intervals, uint32_t waiting_percent = 0) {
    for (size_t i = 0; i < intervals; ++i) {
      now_ms_ += Packing::kPeriodMs;
      kernel_.time_ns += Packing::kPeriodMs * 1'000'000;
      for (uint32_t queue = 0; queue < percent.size(); ++queue) {
        kernel_.threads[napi(queue)].ran_ns += Packing::kPeriodMs * 10'000 * percent[queue];
        kernel_.threads[napi(queue)].waited_ns += Packing::kPeriodMs * 10'000 * waiting_percent;
      }
      packing_->tick(now_ms_);
    }
  }
  uint32_t napi(uint32_t queue) { return kernel_.host.nic(kNic).napis.at(queue); }
  std::string value(Knob knob, uint32_t index) { return kernel_.host.values().at({kNic, knob, index}); }
  std::string thread_cpu(uint32_t queue) { return value(Knob::kThreadCpus, queue); }
  std::string irq_cpu(uint32_t queue) {
    return value(Knob::kIrqAffinity, kernel_.host.nic(kNic).queues.at(queue).irq);
  }
  std::set<std::string> cpus_used() {
    std::set<std::string> cpus;
    for (uint32_t queue = 0; queue < kQueues; ++queue) cpus.insert(thread_cpu(queue));
    return cpus;
  }
  void expect_pairs() {
    for (uint32_t queue = 0; queue < kQueues; ++queue) EXPECT_EQ(thread_cpu(queue), irq_cpu(queue)) << queue;
  }

  test::KnobKernel kernel_;
  ScratchDirectory scratch_;
  TunedDevices devices_;
  TuningSettings tuning_;
  std::map<Setting, std::string> before_;
  std::unique_ptr<Tuner> tuner_;
  std::unique_ptr<Packing> packing_;
  uint64_t now_ms_ = 10'000;
};

TEST_F(PackingTest, starts_with_a_cpu_for_each_queue) {
  EXPECT_THAT(cpus_used(), ElementsAre("0", "1", "2", "3"));
  expect_pairs();
  EXPECT_THAT(tuner_->packable().napis, SizeIs(kQueues));
  EXPECT_THAT(tuner_->problems(now_ms_), IsEmpty());
}

TEST_F(PackingTest, three_queues_at_thirty_percent_end_on_one_cpu_with_their_interrupts) {
  run({29, 29, 29, 0}, 60);
  EXPECT_THAT(cpus_used(), SizeIs(1));
  expect_pairs();
  EXPECT_EQ(packing_->report().cpus_used, 1U);
  EXPECT_GE(packing_->report().moves, 3U);
  EXPECT_NEAR(packing_->loads().at(napi(0)).busy, 0.29, 0.001);
}

TEST_F(PackingTest, what_polls_took_is_told_a_second) {
  ThreadTimes& thread = kernel_.threads[napi(0)];
  thread.work = {.polls = 7, .packets = 90};
  run({29, 29, 29, 0}, 2);
  EXPECT_EQ(packing_->loads().at(napi(0)).packets, 0U) << "in this interval";
  thread.work = {.polls = 107, .packets = 3090};
  run({29, 29, 29, 0}, 1);
  EXPECT_EQ(packing_->loads().at(napi(0)).polls, 1'000U);
  EXPECT_EQ(packing_->loads().at(napi(0)).packets, 30'000U);
  EXPECT_FALSE(packing_->loads().at(napi(1)).polls) << "nobody counts them";
  thread.work.reset();
  run({29, 29, 29, 0}, 1);
  EXPECT_FALSE(packing_->loads().at(napi(0)).packets);
}

TEST_F(PackingTest, a_lower_target_fills_cpus_less) {
  tuning_.napi_target = {NumberWish::Kind::kGiven, 60};
  start();
  run({29, 29, 29, 0}, 60);
  EXPECT_THAT(cpus_used(), SizeIs(2));
}

// The more they fill a CPU the longer each waits while the others run.
TEST_F(PackingTest, threads_that_take_turns_stay_together) {
  run({30, 30, 30, 0}, 60);
  ASSERT_THAT(cpus_used(), SizeIs(1));
  const uint64_t moves = packing_->report().moves;
  run({30, 30, 30, 0}, 20, 60);
  EXPECT_THAT(cpus_used(), SizeIs(1));
  EXPECT_EQ(packing_->report().moves, moves);
}

TEST_F(PackingTest, threads_that_fill_a_cpu_and_wait_are_spread) {
  run({30, 30, 30, 0}, 60);
  run({33, 33, 33, 0}, 2, 66);
  EXPECT_THAT(cpus_used(), SizeIs(testing::Ge(3U)));
}

// What it does not know yet is not a load of nothing, from which the first that is read would be a rise.
TEST_F(PackingTest, the_next_daemon_goes_on_from_where_they_are) {
  run({45, 43, 0, 0}, 60);
  ASSERT_THAT(cpus_used(), SizeIs(1));
  start();
  ASSERT_THAT(cpus_used(), SizeIs(1));
  run({45, 43, 0, 0}, 20);
  EXPECT_EQ(packing_->report().moves, 0U);
  EXPECT_THAT(cpus_used(), SizeIs(1));
}

// A reader that has to wait for its own CPU reads the rest late, and next time it may not have to.
TEST_F(PackingTest, a_thread_that_is_read_late_is_measured_over_its_own_time) {
  run({40, 40, 0, 0}, 3);
  kernel_.threads[napi(1)].time_ns = 100'000'000;
  kernel_.threads[napi(1)].ran_ns += 40'000'000;
  run({40, 40, 0, 0}, 1);
  EXPECT_NEAR(packing_->loads().at(napi(0)).busy, 0.4, 0.001);
  EXPECT_NEAR(packing_->loads().at(napi(1)).busy, 0.4, 0.001);
}

TEST_F(PackingTest, a_burst_spreads_them_within_two_intervals) {
  run({29, 29, 29, 0}, 60);
  run({80, 80, 80, 0}, 2);
  EXPECT_THAT(cpus_used(), SizeIs(testing::Ge(3U)));
  expect_pairs();
}

TEST_F(PackingTest, a_look_leaves_them_where_they_are_and_finds_nothing_to_do) {
  run({29, 29, 29, 0}, 60);
  const auto packed = kernel_.host.values();
  const size_t written = kernel_.applied.size();
  look();
  EXPECT_EQ(kernel_.host.values(), packed);
  EXPECT_EQ(kernel_.applied.size(), written);
}

TEST_F(PackingTest, a_daemon_that_was_killed_leaves_them_and_goes_on) {
  run({29, 29, 29, 0}, 60);
  const auto packed = kernel_.host.values();
  start();
  EXPECT_EQ(kernel_.host.values(), packed);
  EXPECT_THAT(tuner_->packable().napis, SizeIs(kQueues));
  run({80, 80, 80, 0}, 4);
  EXPECT_THAT(cpus_used(), SizeIs(testing::Ge(3U)));
}

TEST_F(PackingTest, a_revert_puts_back_what_was_before_us_also_after_a_kill) {
  run({29, 29, 29, 0}, 60);
  start();
  tuner_->revert(devices_, now_ms_).value();
  EXPECT_EQ(kernel_.host.values(), before_);
  EXPECT_THAT(tuner_->packable().napis, IsEmpty());
  packing_->tick(now_ms_);
  EXPECT_FALSE(packing_->next_ms());
  look();
  EXPECT_EQ(kernel_.host.values(), before_);
  EXPECT_THAT(tuner_->status(now_ms_).changes, IsEmpty());
}

// The interrupt of queue 0 may have been on CPU 0 before us, and on no other place may that be forgotten.
TEST_F(PackingTest, an_interrupt_that_was_right_before_us_goes_back_too) {
  tuner_->revert(devices_, now_ms_).value();
  const uint32_t irq = kernel_.host.nic(kNic).queues.at(0).irq;
  kernel_.host.put({kNic, Knob::kIrqAffinity, irq}, "0");
  tuner_->start_again();
  start();
  run({0, 29, 29, 29}, 60);
  run({95, 29, 29, 29}, 60);
  start();
  tuner_->revert(devices_, now_ms_).value();
  EXPECT_EQ(irq_cpu(0), "0");
  EXPECT_THAT(tuner_->status(now_ms_).changes, IsEmpty());
}

TEST_F(PackingTest, another_mode_ends_it) {
  run({29, 29, 29, 0}, 60);
  tuning_.napi = parse_napi_wish("threaded").value();
  tuner_->set_wish(make_wish(tuning_, {}));
  look();
  EXPECT_THAT(cpus_used(), ElementsAre("0", "1", "2", "3"));
  packing_->tick(now_ms_);
  EXPECT_FALSE(packing_->next_ms());
  run({29, 29, 29, 0}, 20);
  EXPECT_THAT(cpus_used(), ElementsAre("0", "1", "2", "3"));
  // What is wanted now does not roam: who changes it is seen.
  kernel_.host.put({kNic, Knob::kThreadCpus, 1}, "3");
  look();
  EXPECT_EQ(thread_cpu(1), "1");
}

TEST_F(PackingTest, some_queues_alone_are_packed) {
  tuning_.napi = parse_napi_wish("threaded, 0-1 auto").value();
  tuner_->set_wish(make_wish(tuning_, {}));
  look();
  EXPECT_THAT(tuner_->packable().napis, SizeIs(2));
  run({29, 29, 29, 0}, 60);
  EXPECT_EQ(thread_cpu(0), thread_cpu(1));
  EXPECT_EQ(thread_cpu(2), "2");
  EXPECT_EQ(thread_cpu(3), "3");
}

// Which instance is a queue's is told by nobody here, and by their number it cannot be.
TEST_F(PackingTest, an_interrupt_that_is_nobodys_for_sure_stays) {
  const Wish wish = make_wish(tuning_, {});
  HostTuning host = kernel_.host.observe();
  ASSERT_THAT(host.nics, SizeIs(1));
  Nic& nic = host.nics[0];
  const auto following = [&] {
    UndoLog log;
    for (uint32_t place = 0; place < nic.napis.size(); ++place)
      log.entries.push_back({.setting = {kNic, Knob::kThreadCpus, place}, .roams = true});
    for (const Queue& queue : nic.queues)
      log.entries.push_back({.setting = {kNic, Knob::kIrqAffinity, queue.irq}, .roams = true});
    std::ranges::sort(log.entries, {}, &UndoEntry::setting);
    const Packable all = packable(wish, host, log);
    return std::ranges::count_if(all.napis, [](const PackedNapi& napi) { return napi.irq != 0; });
  };
  EXPECT_EQ(following(), kQueues);
  for (Queue& queue : nic.queues) queue.napi = 0;
  EXPECT_EQ(following(), kQueues) << "as many as queues";
  nic.napis.push_back(99);
  EXPECT_EQ(following(), 0);
}

TEST_F(PackingTest, threads_that_are_gone_are_a_pause_and_new_ones_are_found) {
  run({29, 29, 29, 0}, 60);
  kernel_.meter_fault = Error{"a thread of NAPI: No such process", "", ESRCH};
  run({29, 29, 29, 0}, 3);
  EXPECT_NE(packing_->report().failure, "");
  EXPECT_THAT(packing_->loads(), IsEmpty());
  kernel_.host.reset(kNic);
  kernel_.meter_fault.reset();
  look();
  expect_pairs();
  run({29, 29, 29, 0}, 80);
  EXPECT_EQ(packing_->report().failure, "");
  EXPECT_THAT(cpus_used(), SizeIs(1));
}

TEST_F(PackingTest, threads_of_one_nic_that_are_gone_do_not_pause_another) {
  constexpr uint32_t kOther = 3;
  const InterfaceName other = InterfaceName::parse("eth1").value();
  kernel_.host.add_nic(kOther, other, NicModel::kMlx5, kQueues);
  devices_.nics.push_back({kOther, other, true});
  devices_.names[kOther] = other;
  start();
  run({29, 29, 29, 0}, 10);
  EXPECT_FALSE(packing_->take_surprise());
  EXPECT_THAT(packing_->loads(), SizeIs(2 * kQueues));
  kernel_.ended = {kOther};
  run({29, 29, 29, 0}, 50);
  EXPECT_THAT(packing_->loads(), SizeIs(kQueues));
  EXPECT_TRUE(packing_->take_surprise());
  EXPECT_FALSE(packing_->take_surprise()) << "once";
  EXPECT_THAT(cpus_used(), SizeIs(1));
  EXPECT_NE(packing_->report().failure, "");
  kernel_.ended.clear();
  run({29, 29, 29, 0}, 80);
  EXPECT_THAT(packing_->loads(), SizeIs(2 * kQueues));
  EXPECT_EQ(packing_->report().failure, "");
}

// x86 gives each CPU some 200 vectors, and not all can be on one: ENOSPC.
TEST_F(PackingTest, an_interrupt_that_cannot_go_keeps_its_thread_and_the_others_go_on) {
  const uint32_t stubborn = kernel_.host.nic(kNic).queues.at(1).irq;
  bool refuses = true;
  size_t tried = 0;
  kernel_.fault = [&](const Tune& tune) -> std::optional<Error> {
    const bool its = tune.setting.knob == Knob::kIrqAffinity && tune.setting.index == stubborn;
    if (!its || !refuses) return std::nullopt;
    ++tried;
    return Error{"no vector is left", "", ENOSPC};
  };
  run({29, 29, 29, 0}, 60);
  expect_pairs();
  EXPECT_EQ(thread_cpu(1), "1");
  EXPECT_THAT(cpus_used(), SizeIs(testing::Le(2U)));
  EXPECT_THAT(packing_->report().failure, testing::HasSubstr("no vector is left"));
  EXPECT_THAT(packing_->loads(), SizeIs(kQueues)) << "no pause";
  EXPECT_GE(tried, 1U);
  EXPECT_LT(tried, 5U) << "not in each interval";
  refuses = false;
  run({29, 29, 29, 0}, 2 * Packing::kStayMs / Packing::kPeriodMs);
  EXPECT_THAT(cpus_used(), SizeIs(1));
  EXPECT_EQ(packing_->report().failure, "");
  expect_pairs();
}

// Which CPU they are packed on is not said; the fullest is asked for first, again and again.
TEST_F(PackingTest, a_cpu_that_refuses_an_interrupt_is_gone_around) {
  std::string full;
  kernel_.fault = [&](const Tune& tune) -> std::optional<Error> {
    if (tune.setting.knob != Knob::kIrqAffinity) return std::nullopt;
    if (full.empty()) full = tune.value;
    if (tune.value != full) return std::nullopt;
    return Error{"no vector is left", "", ENOSPC};
  };
  run({29, 29, 29, 0}, 60);
  EXPECT_THAT(cpus_used(), SizeIs(testing::Le(2U)));
  run({80, 80, 80, 0}, 3);
  EXPECT_THAT(cpus_used(), SizeIs(testing::Ge(3U)));
  expect_pairs();
}

TEST_F(PackingTest, a_managed_interrupt_stays_and_its_thread_is_packed) {
  kernel_.fault = [&](const Tune& tune) -> std::optional<Error> {
    if (tune.setting.knob != Knob::kIrqAffinity) return std::nullopt;
    return Error{"it is managed", "", EIO};
  };
  run({29, 29, 29, 0}, 60);
  EXPECT_THAT(cpus_used(), SizeIs(1));
  for (uint32_t queue = 0; queue < kQueues; ++queue) EXPECT_EQ(irq_cpu(queue), std::to_string(queue));
  EXPECT_THAT(packing_->report().failure, testing::HasSubstr("without its interrupt"));
}

// As after a driver asked for its interrupts anew under other names, with the same numbers.
TEST_F(PackingTest, an_interrupt_that_is_another_by_now_is_looked_at_again) {
  run({29, 29, 29, 0}, 2);
  const size_t meters = kernel_.meters;
  kernel_.fault = [&](const Tune& tune) -> std::optional<Error> {
    if (tune.setting.knob != Knob::kIrqAffinity || kernel_.meters > meters) return std::nullopt;
    return Error{"it is another", "", ENODEV};
  };
  run({29, 29, 29, 0}, 30);
  EXPECT_EQ(kernel_.meters, meters + 1);
  EXPECT_TRUE(packing_->take_surprise());
  EXPECT_THAT(packing_->loads(), SizeIs(kQueues)) << "no pause";
  EXPECT_NEAR(packing_->loads().at(napi(0)).busy, 0.29, 0.001);
  run({29, 29, 29, 0}, 2 * Packing::kStayMs / Packing::kPeriodMs);
  EXPECT_EQ(kernel_.meters, meters + 1);
  EXPECT_THAT(cpus_used(), SizeIs(1));
  expect_pairs();
}

// Read from the tuner, as a look would tell it: that is what packing goes by, and what is put back.
TEST_F(PackingTest, the_tuner_knows_where_each_is_after_every_move) {
  run({29, 29, 29, 0}, 60);
  run({80, 80, 80, 0}, 3);
  for (const PackedNapi& packed : tuner_->packable().napis) {
    EXPECT_EQ(std::to_string(packed.cpu), thread_cpu(packed.place));
    EXPECT_EQ(std::to_string(packed.cpu), irq_cpu(packed.place));
  }
  const auto before = tuner_->packable();
  look();
  EXPECT_EQ(tuner_->packable(), before);
}

TEST_F(PackingTest, a_thread_that_cannot_go_gets_its_interrupt_back) {
  kernel_.fault = [&](const Tune& tune) -> std::optional<Error> {
    if (tune.setting.knob != Knob::kThreadCpus || tune.setting.index != 1) return std::nullopt;
    return Error{"no", "", EPERM};
  };
  run({29, 29, 29, 0}, 60);
  expect_pairs();
  EXPECT_EQ(thread_cpu(1), "1");
  EXPECT_THAT(cpus_used(), SizeIs(testing::Le(2U)));
}

TEST_F(PackingTest, a_move_that_fails_is_tried_again_later) {
  bool fails = true;
  size_t tried = 0;
  kernel_.fault = [&](const Tune& tune) -> std::optional<Error> {
    if (tune.setting.knob != Knob::kThreadCpus || !fails) return std::nullopt;
    ++tried;
    return Error{"no", "", EPERM};
  };
  run({29, 29, 29, 0}, 60);
  EXPECT_THAT(cpus_used(), SizeIs(4));
  EXPECT_NE(packing_->report().failure, "");
  EXPECT_LT(tried, 10U) << "not in each interval";
  fails = false;
  run({29, 29, 29, 0}, 2 * Packing::kStayMs / Packing::kPeriodMs);
  EXPECT_THAT(cpus_used(), SizeIs(1));
}

TEST_F(PackingTest, nothing_is_sampled_where_nothing_is_packed) {
  tuning_.napi = parse_napi_wish("threaded").value();
  tuning_.apply = TuningApply::kManual;
  start();
  kernel_.metered.clear();
  run({29, 29, 29, 0}, 5);
  EXPECT_THAT(kernel_.metered, IsEmpty());
}

}  // namespace
}  // namespace xdpfwd

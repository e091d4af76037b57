// SPDX-License-Identifier: BSD-2-Clause
// A daemon in mode auto: when packing's interval is due, when it is not, and what a tick brings about.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <systemd/sd-event.h>

#include <csignal>
#include <functional>

#include "shell/daemon.h"
#include "shell/packing.h"
#include "shell/service.h"
#include "support/fake_host_tuning.h"
#include "support/fake_kernel.h"
#include "support/scratch_directory.h"

namespace xdpfwd {
namespace {

constexpr uint32_t kNic = 2;
constexpr uint32_t kQueues = 2;

class PackingDaemonTest : public testing::Test {
 protected:
  explicit PackingDaemonTest(uint32_t nics = 1) {
    host_.irqbalance = false;
    std::string devices;
    for (uint32_t nic = kNic; nic < kNic + nics; ++nic) {
      const InterfaceName name = InterfaceName::parse(fmt::format("eth{}", nic - kNic)).value();
      devices += fmt::format("\"{}\", ", name.view());
      host_.add_nic(nic, name, test::NicModel::kMlx5, kQueues);
      for (uint32_t queue = 0; queue < kQueues; ++queue)
        EXPECT_TRUE(host_.apply({.setting = {nic, Knob::kNapiThreaded, queue}, .name = name, .value = "on"}));
      for (const uint32_t queue : {kWholeDevice, 0U, 1U}) host_.put({nic, Knob::kAdaptiveTx, queue}, "off");
      kernel_.state.links.push_back({.ifindex = nic, .name = name, .admin_up = true, .lower_up = true});
    }
    kernel_.tuning = host_.observe();
    kernel_.threads.resize(kQueues);
    const auto config = parse_config(
        {{.file = "xdpfwd.toml",
          .text =
              "[uplink]\ndevices = [" + devices +
              "]\n"
              "[tuning]\napply = \"auto\"\nprofile = \"none\"\nnapi = \"auto\"\n[daemon]\nstate_dir = \"" +
              (directory_ / "state") + "\"\n[control]\nsocket = \"" + (directory_ / "control.sock") +
              "\"\n"}});
    EXPECT_TRUE(config) << config.error().text();
    daemon_ = std::make_unique<Daemon>(kernel_, "xdpfwd.toml", std::vector<std::string>(), *config,
                                       [this] { return now_(); });
    EXPECT_TRUE(daemon_->start());
  }
  // As the service does: calls pack() whenever it says that it is due.
  void run(size_t intervals) {
    for (size_t i = 0; i < intervals; ++i) {
      const auto due = daemon_->next_pack_ms();
      if (!due) return;
      now_ms_ = std::max(now_ms_ + 1, *due);
      tell_time();
      daemon_->pack();
    }
  }
  void tell_time() {
    for (uint32_t queue = 0; queue < kQueues; ++queue) {
      ThreadTimes& thread = kernel_.threads[queue];
      thread.time_ns = now_ms_ * 1'000'000;
      thread.ran_ns =
          now_ms_ * 10'000 * (queue == 0 ? busy_percent_of_first_.value_or(busy_percent_) : busy_percent_);
    }
  }
  std::string thread_cpus(uint32_t queue, uint32_t nic = kNic) {
    return *find_setting(kernel_.tuning, {nic, Knob::kThreadCpus, queue});
  }
  bool is_sampled() {
    const auto status = daemon_->napi_status();
    return status &&
           std::ranges::any_of(status->napis, [](const NapiReport& napi) { return napi.ran.has_value(); });
  }

  const InterfaceName name_ = InterfaceName::parse("eth0").value();
  test::FakeHostTuning host_{2};
  test::FakeKernel kernel_;
  ScratchDirectory directory_;
  uint64_t now_ms_ = 100'000;
  uint64_t busy_percent_ = 0;  // each thread
  std::optional<uint64_t> busy_percent_of_first_;
  Daemon::Clock now_ = [this] { return now_ms_; };
  std::unique_ptr<Daemon> daemon_;
};

TEST_F(PackingDaemonTest, packs) {
  run(60);
  EXPECT_TRUE(is_sampled());
  EXPECT_EQ(thread_cpus(0), thread_cpus(1));
}

// As by `napi record --every 0.1`.
TEST_F(PackingDaemonTest, whoever_asks_again_and_again_has_the_host_observed_once_a_second) {
  run(60);
  now_ms_ += Tuner::kSeenMs;
  size_t looks = kernel_.tuning_looks;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(daemon_->napi_status());
    now_ms_ += Tuner::kSeenMs / 10;
  }
  EXPECT_EQ(kernel_.tuning_looks, looks + 1);
  const auto other = thread_cpus(0) == "0" ? "1" : "0";
  for (SettingValue& value : kernel_.tuning.settings)
    if (value.setting == Setting{kNic, Knob::kThreadCpus, 0}) value.value = other;
  const auto status = daemon_->napi_status();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->napis.at(0).cpus, other) << "somebody moved it";
}

TEST_F(PackingDaemonTest, moves_are_told_at_once) {
  run(60);
  ASSERT_EQ(thread_cpus(0), thread_cpus(1));
  ASSERT_TRUE(daemon_->napi_status());
  const size_t looks = kernel_.tuning_looks;
  busy_percent_ = 70;
  run(3);
  ASSERT_NE(thread_cpus(0), thread_cpus(1));
  const auto status = daemon_->napi_status();
  ASSERT_TRUE(status);
  EXPECT_EQ(kernel_.tuning_looks, looks);
  for (const uint32_t queue : {0U, 1U}) {
    EXPECT_EQ(status->napis.at(queue).cpus, thread_cpus(queue));
    EXPECT_EQ(status->napis.at(queue).irq_cpus, thread_cpus(queue));
  }
}

class PackingOfTwoNicsTest : public PackingDaemonTest {
 protected:
  PackingOfTwoNicsTest() : PackingDaemonTest(2) {}
};

// Two CPUs are filled by four threads. Nothing is known of one NIC's for a while; they are there all the
// same.
TEST_F(PackingOfTwoNicsTest, cpus_of_a_nic_that_cannot_be_read_are_not_empty) {
  busy_percent_ = 40;
  run(30);
  for (const uint32_t nic : {kNic, kNic + 1}) EXPECT_NE(thread_cpus(0, nic), thread_cpus(1, nic)) << nic;
  kernel_.meter_fault = Error{"not now", "", EBUSY};
  kernel_.meter_fault_nic = kNic;
  run(60);
  EXPECT_NE(thread_cpus(0, kNic + 1), thread_cpus(1, kNic + 1)) << "on CPUs that the other NIC fills";
  // And when it has nothing to do for sure, there is room.
  kernel_.meter_fault.reset();
  busy_percent_ = 0;
  run(60);
  EXPECT_EQ(thread_cpus(0, kNic + 1), thread_cpus(1, kNic + 1));
}

// Three threads on one CPU; of one nothing is known since a reset, not even its id, when another has more to
// do.
TEST_F(PackingOfTwoNicsTest, nor_are_those_of_one_whose_napis_have_other_ids_since_a_reset) {
  busy_percent_ = 10;
  busy_percent_of_first_ = 40;
  run(60);
  ASSERT_EQ(thread_cpus(0, kNic), thread_cpus(0, kNic + 1));
  kernel_.meter_fault = Error{"a thread of NAPI: No such process", "", ESRCH};
  kernel_.meter_fault_nic = kNic;
  Nic& nic = kernel_.tuning.nics.front();
  ASSERT_EQ(nic.ifindex, kNic);
  for (uint32_t queue = 0; queue < kQueues; ++queue) {
    nic.napis[queue] += 100;
    nic.queues[queue].napi += 100;
  }
  run(20);
  busy_percent_of_first_ = 60;
  run(20);
  EXPECT_NE(thread_cpus(0, kNic), thread_cpus(0, kNic + 1));
}

// "echo 0 > threaded; echo 1 > threaded" makes others, which may run anywhere, and no event tells.
TEST_F(PackingDaemonTest, threads_made_anew_are_found_at_once) {
  run(60);
  for (uint32_t queue = 0; queue < kQueues; ++queue)
    for (SettingValue& value : kernel_.tuning.settings)
      if (value.setting == Setting{kNic, Knob::kThreadCpus, queue}) value.value = "0-1";
  const size_t looks = kernel_.tuning_looks;
  kernel_.meter_fault = Error{"a thread of NAPI: No such process", "", ESRCH};
  run(1);
  kernel_.meter_fault.reset();
  EXPECT_GT(kernel_.tuning_looks, looks);
  for (uint32_t queue = 0; queue < kQueues; ++queue) EXPECT_EQ(thread_cpus(queue).size(), 1U) << queue;
  run(60);
  EXPECT_TRUE(is_sampled());
}

TEST_F(PackingDaemonTest, a_cpu_that_went_offline_is_seen_at_the_first_move_to_it) {
  run(3);
  // Either may be the one that is to be emptied.
  kernel_.fault = [](State&, const Action& action, size_t) -> std::optional<Error> {
    const auto* tune = std::get_if<Tune>(&action);
    if (!tune || tune->setting.knob != Knob::kIrqAffinity) return std::nullopt;
    return Error{"the CPU is offline", "", EINVAL};
  };
  const size_t looks = kernel_.tuning_looks;
  run(60);
  EXPECT_GT(kernel_.tuning_looks, looks);
  EXPECT_TRUE(is_sampled());
}

TEST_F(PackingDaemonTest, nothing_is_packed_while_values_of_tx_usecs_are_tried) {
  run(3);
  const size_t actions = kernel_.applied.size();
  {
    const auto walk = daemon_->suggest_tx_coalesce(name_, 1);
    ASSERT_TRUE(walk) << walk.error().text();
    EXPECT_FALSE(daemon_->next_pack_ms());
    now_ms_ += 10'000;
    tell_time();
    for (ThreadTimes& thread : kernel_.threads) thread.ran_ns += 10'000'000'000;
    daemon_->pack();
    EXPECT_EQ(kernel_.applied.size(), actions);
  }
  ASSERT_TRUE(daemon_->next_pack_ms());
  run(1);
  const auto status = daemon_->napi_status();
  ASSERT_TRUE(status);
  for (const NapiReport& napi : status->napis) EXPECT_EQ(napi.ran, 0U) << "not the mean of all that time";
  run(60);
  EXPECT_EQ(thread_cpus(0), thread_cpus(1));
}

// The service's own timer, and its own clock.
TEST_F(PackingDaemonTest, another_mode_leaves_nothing_behind) {
  auto links = LinkMonitor::open();
  auto knobs = KnobMonitor::open();
  ASSERT_TRUE(links && knobs);
  now_ = service_clock_ms;
  sigset_t signals, before;  // the loop takes those only that are blocked
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&signals, signal);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &signals, &before), 0);
  sd_event* loop = nullptr;
  ASSERT_EQ(sd_event_new(&loop), 0);
  {
    auto service = Service::make(loop, *daemon_, std::move(*links), std::move(*knobs));
    ASSERT_TRUE(service) << service.error().text();
    // After each event: once it is sampled, another mode; once nothing is left of it, the end.
    bool switched = false;
    std::function<void()> after_event = [&] {
      if (switched == is_sampled()) return;
      if (switched) return (void)sd_event_exit(loop, 0);
      switched = true;
      EXPECT_TRUE(daemon_->set_napi(parse_napi_wish("softirq").value()));
    };
    const auto on_event = [](sd_event_source*, void* call) {
      (*static_cast<std::function<void()>*>(call))();
      return 0;
    };
    const auto on_time = [](sd_event_source* source, uint64_t, void*) {
      return sd_event_exit(sd_event_source_get_event(source), 1);
    };
    ASSERT_GE(sd_event_add_post(loop, nullptr, on_event, &after_event), 0);
    ASSERT_GE(sd_event_add_time_relative(loop, nullptr, CLOCK_MONOTONIC, 20'000'000, 0, on_time, nullptr), 0);
    EXPECT_TRUE((*service)->run());
    EXPECT_TRUE(switched);
    int code = -1;
    EXPECT_GE(sd_event_get_exit_code(loop, &code), 0);
    EXPECT_EQ(code, 0) << "nothing should be told of what was sampled";
    EXPECT_FALSE(daemon_->next_pack_ms());
  }
  sd_event_unref(loop);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace xdpfwd

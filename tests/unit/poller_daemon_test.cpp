// SPDX-License-Identifier: BSD-2-Clause
// A daemon in mode busy-poll whose poller holds its queues by the kernel's own busy-polling threads: it ends
// before what it held is put back, or given to another mode; and if it was killed, the daemon takes its
// threads away.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "shell/daemon.h"
#include "support/fake_host_tuning.h"
#include "support/fake_kernel.h"
#include "support/scratch_directory.h"

namespace xdpfwd {
namespace {

constexpr uint32_t kNic = 2;
constexpr uint32_t kQueues = 2;

// As such a poller does: on its end, its instances have no thread.
class PollersOfThreads final : public Services {
 public:
  explicit PollersOfThreads(test::FakeKernel& kernel) : kernel_(kernel) {}
  Result<ServiceStatus> status(const std::string& service) override { return units_[service]; }
  Result<void> start(const std::string& service) override {
    units_[service].state = ServiceStatus::State::kRunning;
    set_threaded("busy-poll");
    return {};
  }
  Result<void> restart(const std::string& service) override { return start(service); }
  Result<void> stop(const std::string& service) override {
    if (slow) {
      units_[service].state = ServiceStatus::State::kStarting;
      return {};
    }
    if (units_[service].state == ServiceStatus::State::kRunning) set_threaded("off");
    units_[service].state = ServiceStatus::State::kStopped;
    return {};
  }
  // Those that were told to.
  void end_all() {
    set_threaded("off");
    for (auto& [service, status] : units_) status.state = ServiceStatus::State::kStopped;
  }
  bool slow = false;
  void await_stops() override {}
  void forget_failure(const std::string& /*service*/) override {}
  // The kernel's threads go on.
  void kill_all() {
    for (auto& [service, status] : units_) status.state = ServiceStatus::State::kGivenUp;
  }

 private:
  void set_threaded(const std::string& value) {
    for (SettingValue& one : kernel_.tuning.settings)
      if (one.setting.knob == Knob::kNapiThreaded && one.setting.index != kWholeDevice) one.value = value;
  }
  test::FakeKernel& kernel_;
  std::map<std::string, ServiceStatus> units_;
};

class PollerDaemonTest : public testing::Test {
 protected:
  PollerDaemonTest() {
    host_.irqbalance = false;
    host_.add_nic(kNic, name_, test::NicModel::kMlx5, kQueues);
    kernel_.state.links.push_back({.ifindex = kNic, .name = name_, .admin_up = true, .lower_up = true});
  }
  // Where threads were `before` (on, off), a daemon in mode busy-poll.
  void begin(const std::string& before) {
    for (uint32_t queue = 0; queue < kQueues; ++queue)
      ASSERT_TRUE(
          host_.apply({.setting = {kNic, Knob::kNapiThreaded, queue}, .name = name_, .value = before}));
    kernel_.tuning = host_.observe();
    configure("busy-poll");
    start_daemon();
    later();
    expect_threads("busy-poll");
  }
  void start_daemon() {
    daemon_.reset();
    const auto config = parse_config(text());
    ASSERT_TRUE(config) << config.error().text();
    daemon_ = std::make_unique<Daemon>(kernel_, file_, std::vector<std::string>(), *config,
                                       [this] { return now_ms_; });
    auto pollers = std::make_unique<PollersOfThreads>(kernel_);
    pollers_ = pollers.get();
    daemon_->use_services(std::move(pollers));
    ASSERT_TRUE(daemon_->start());
  }
  void configure(const std::string& napi, const std::string& more = "") {
    std::ofstream(file_) << fmt::format(
        "[uplink]\ndevices = [\"eth0\"]\n[tuning]\napply = \"auto\"\nprofile = \"none\"\nnapi = \"{}\"\n{}"
        "[daemon]\nstate_dir = \"{}\"\n[control]\nsocket = \"{}\"\n",
        napi, more, directory_ / "state", directory_ / "control.sock");
  }
  std::vector<ConfigText> text() {
    std::ifstream file(file_);
    return {{.file = file_, .text = {std::istreambuf_iterator<char>(file), {}}}};
  }
  void expect_threads(const std::string& value) {
    for (uint32_t queue = 0; queue < kQueues; ++queue)
      EXPECT_EQ(*find_setting(kernel_.tuning, {kNic, Knob::kNapiThreaded, queue}), value) << queue;
  }
  void revert() {
    const auto reverted = daemon_->tune_revert();
    ASSERT_TRUE(reverted) << reverted.error().text();
  }
  void later() {
    now_ms_ += 10'000;
    daemon_->look_at_tuning();
  }

  const InterfaceName name_ = InterfaceName::parse("eth0").value();
  test::FakeHostTuning host_{4};
  test::FakeKernel kernel_;
  ScratchDirectory directory_;
  const std::string file_ = directory_ / "xdpfwd.toml";
  uint64_t now_ms_ = 100'000;
  std::unique_ptr<Daemon> daemon_;
  PollersOfThreads* pollers_ = nullptr;
};

TEST_F(PollerDaemonTest, what_was_before_is_put_back) {
  begin("on");
  revert();
  expect_threads("on");
  later();
  expect_threads("on");
}

TEST_F(PollerDaemonTest, another_mode_is_not_taken_back_by_a_poller_that_ends) {
  begin("on");
  configure("threaded");
  ASSERT_TRUE(daemon_->reload());
  expect_threads("on");
}

TEST_F(PollerDaemonTest, nor_is_one_that_is_set_by_hand) {
  begin("on");
  ASSERT_TRUE(daemon_->set_napi(NapiWish{.mode = NapiMode::kThreaded, .exceptions = {}}));
  expect_threads("on");
  later();
  expect_threads("on");
}

TEST_F(PollerDaemonTest, what_a_killed_poller_left_goes_with_a_revert) {
  for (const char* before : {"off", "on"}) {
    begin(before);
    pollers_->kill_all();
    revert();
    expect_threads(before);
  }
}

TEST_F(PollerDaemonTest, what_a_killed_poller_left_goes_with_the_mode_and_does_not_come_back) {
  begin("off");
  pollers_->kill_all();
  configure("softirq");
  ASSERT_TRUE(daemon_->reload());
  expect_threads("off");
  revert();
  expect_threads("off");
}

TEST_F(PollerDaemonTest, a_daemon_that_was_killed_too_still_knows_what_was_before) {
  begin("off");
  pollers_->kill_all();
  configure("softirq");
  start_daemon();
  expect_threads("off");
  revert();
  expect_threads("off");
}

// Of a poller that an older release started: nothing in the log, and its threads poll.
TEST_F(PollerDaemonTest, threads_that_poll_already_are_a_pollers) {
  begin("off");
  daemon_.reset();
  std::filesystem::remove_all(directory_ / "state");
  start_daemon();
  later();
  expect_threads("busy-poll");
  revert();
  expect_threads("off");
}

TEST_F(PollerDaemonTest, a_stop_that_puts_back_waits_for_pollers_that_end_slowly) {
  begin("on");
  configure("busy-poll", "on_stop = \"revert\"\n");
  ASSERT_TRUE(daemon_->reload());
  expect_threads("busy-poll");
  pollers_->slow = true;
  EXPECT_TRUE(daemon_->stop());
  now_ms_ += 1'000;
  EXPECT_TRUE(daemon_->stop());
  expect_threads("busy-poll");
  pollers_->end_all();
  now_ms_ += 1'000;
  EXPECT_FALSE(daemon_->stop());
  expect_threads("on");
}

TEST_F(PollerDaemonTest, a_stop_waits_for_no_poller_for_ever) {
  begin("on");
  configure("busy-poll", "on_stop = \"revert\"\n");
  ASSERT_TRUE(daemon_->reload());
  pollers_->slow = true;
  EXPECT_TRUE(daemon_->stop());
  now_ms_ += 31'000;
  EXPECT_FALSE(daemon_->stop());
}

}  // namespace
}  // namespace xdpfwd

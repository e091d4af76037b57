// SPDX-License-Identifier: BSD-2-Clause
// Trying values of tx-usecs: each is set and measured, and what was there before is set again however it
// ends.
#include "shell/tx_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shell/daemon.h"
#include "support/fake_host_tuning.h"
#include "support/fake_kernel.h"
#include "support/scratch_directory.h"

namespace xdpfwd {
namespace {

constexpr uint32_t kNic = 2;

class TxWalkTest : public testing::Test {
 protected:
  TxWalkTest() {
    host_.add_nic(kNic, nic_.name, test::NicModel::kMlx5, 2);
    for (const uint32_t queue : {kWholeDevice, 0U, 1U}) {
      host_.put({kNic, Knob::kAdaptiveTx, queue}, "off");
      host_.put({kNic, Knob::kTxUsecs, queue}, queue == 1 ? "30" : "8");
    }
    kernel_.state.links.push_back({.ifindex = kNic, .name = nic_.name, .admin_up = true, .lower_up = true});
    kernel_.tuning = host_.observe();
    before_ = kernel_.tuning.settings;
  }
  Result<std::unique_ptr<TxWalk>> begin() {
    return TxWalk::begin(kernel_,
                         {.nic = nic_, .seconds_each = 1, .state_dir = directory_ / "state", .boot_id = "b"});
  }
  // A walk that ends while other values are set, and what was before cannot be set.
  void leave_one_undone() {
    auto walk = begin();
    ASSERT_TRUE(walk) << walk.error().text();
    ASSERT_TRUE((*walk)->advance(now_ms_));
    now_ms_ += 1000;
    ASSERT_TRUE((*walk)->advance(now_ms_));
    ASSERT_NE(usecs(), "8");
    refuse(EBUSY);
  }
  void refuse(int code) {
    kernel_.fault = [code](State&, const Action& action, size_t) -> std::optional<Error> {
      if (!std::holds_alternative<Tune>(action)) return std::nullopt;
      return Error{"not now", "", code};
    };
  }
  [[nodiscard]] std::string usecs() const {
    return *find_setting(kernel_.tuning, {kNic, Knob::kTxUsecs, kWholeDevice});
  }

  TunedDevice nic_{kNic, *InterfaceName::parse("eth0")};
  test::FakeHostTuning host_{2};
  test::FakeKernel kernel_;
  ScratchDirectory directory_;
  uint64_t now_ms_ = 1000;
  std::vector<SettingValue> before_;
};

TEST_F(TxWalkTest, tries_each_value_and_sets_the_old_one_again) {
  auto walk = begin();
  ASSERT_TRUE(walk) << walk.error().text();
  std::vector<std::string> tried = {usecs()};
  for (;;) {
    const auto state = (*walk)->advance(now_ms_);
    ASSERT_TRUE(state) << state.error().text();
    if (const auto* report = std::get_if<SuggestReport>(&*state)) {
      EXPECT_EQ(report->present, 8U);
      EXPECT_EQ(report->rungs.size(), tried.size());
      break;
    }
    if (tried.back() != usecs()) tried.push_back(usecs());
    now_ms_ += 500;
  }
  EXPECT_EQ(tried.front(), "8");
  EXPECT_EQ(tried.back(), "8");
  EXPECT_THAT(tried, testing::Contains("64"));
  EXPECT_EQ(kernel_.tuning.settings, before_);
  EXPECT_EQ(kernel_.watches, 0U);
  EXPECT_TRUE(TxWalk::restore(kernel_, directory_ / "state", "b")->empty()) << "nothing is left to undo";
}

// Neither a delay nor frames: the NIC might never interrupt.
TEST_F(TxWalkTest, no_delay_is_not_tried_where_no_frames_interrupt) {
  for (const uint32_t queue : {kWholeDevice, 0U, 1U}) host_.put({kNic, Knob::kTxFrames, queue}, "0");
  kernel_.tuning = host_.observe();
  auto walk = begin();
  ASSERT_TRUE(walk) << walk.error().text();
  for (bool over = false; !over; now_ms_ += 500) {
    EXPECT_NE(usecs(), "0");
    const auto state = (*walk)->advance(now_ms_);
    ASSERT_TRUE(state) << state.error().text();
    over = std::holds_alternative<SuggestReport>(*state);
  }
}

TEST_F(TxWalkTest, given_up_by_whoever_asked_it_leaves_nothing_changed) {
  {
    auto walk = begin();
    ASSERT_TRUE(walk);
    ASSERT_TRUE((*walk)->advance(now_ms_));
    now_ms_ += 1000;
    ASSERT_TRUE((*walk)->advance(now_ms_));
    ASSERT_NE(usecs(), "8");
    EXPECT_EQ(kernel_.watches, 1U);
  }
  EXPECT_EQ(kernel_.tuning.settings, before_);
  EXPECT_EQ(kernel_.watches, 0U);
}

TEST_F(TxWalkTest, after_a_crash_the_next_start_undoes_it) {
  auto walk = begin();
  ASSERT_TRUE(walk);
  ASSERT_TRUE((*walk)->advance(now_ms_));
  now_ms_ += 1000;
  ASSERT_TRUE((*walk)->advance(now_ms_));
  ASSERT_NE(usecs(), "8");
  const auto restored = TxWalk::restore(kernel_, directory_ / "state", "b");
  ASSERT_TRUE(restored) << restored.error().text();
  EXPECT_THAT(*restored, testing::ElementsAre("eth0"));
  EXPECT_EQ(kernel_.tuning.settings, before_);
}

// Another walk would take what the first left for what was before it.
TEST_F(TxWalkTest, one_that_could_not_be_undone_is_undone_before_the_next) {
  leave_one_undone();
  const auto refused = begin();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(),
              testing::HasSubstr("an earlier trial of tx-usecs is not undone: not now"));
  kernel_.fault = {};
  {
    const auto walk = begin();
    ASSERT_TRUE(walk) << walk.error().text();
    EXPECT_EQ(usecs(), "8");
  }
  EXPECT_EQ(kernel_.tuning.settings, before_);
}

TEST_F(TxWalkTest, a_nic_that_is_gone_or_renamed_is_not_forgotten) {
  leave_one_undone();
  kernel_.fault = {};
  const Link link = kernel_.state.links[0];
  const Nic nic = kernel_.tuning.nics[0];
  kernel_.state.links.clear();
  kernel_.tuning.nics.clear();
  const auto gone = TxWalk::restore(kernel_, directory_ / "state", "b");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ENODEV);
  EXPECT_THAT(gone.error().text(),
              testing::HasSubstr("eth0 (ifindex 2) is not there; if it never comes back: rm"));
  kernel_.state.links = {link};
  kernel_.state.links[0].name = *InterfaceName::parse("ens1");
  kernel_.tuning.nics = {nic};
  kernel_.tuning.nics[0].name = *InterfaceName::parse("ens1");
  const auto restored = TxWalk::restore(kernel_, directory_ / "state", "b");
  ASSERT_TRUE(restored) << restored.error().text();
  EXPECT_THAT(*restored, testing::ElementsAre("ens1"));
  EXPECT_EQ(std::get<Tune>(kernel_.applied.back()).name.text(), "ens1");
  EXPECT_EQ(kernel_.tuning.settings, before_);
}

TEST_F(TxWalkTest, what_holds_is_looked_at_once) {
  auto walk = begin();
  ASSERT_TRUE(walk);
  kernel_.tuning_looks = 0;
  ASSERT_TRUE((*walk)->give_up());
  EXPECT_EQ(kernel_.tuning_looks, 2U) << "once a round";
}

TEST_F(TxWalkTest, a_value_that_is_refused_ends_it_with_everything_as_before) {
  kernel_.fault = [](State&, const Action& action, size_t) -> std::optional<Error> {
    const auto* tune = std::get_if<Tune>(&action);
    if (tune && tune->value == "64") return Error{"no", "", EINVAL};
    return std::nullopt;
  };
  auto walk = begin();
  ASSERT_TRUE(walk);
  Result<std::variant<NotYet, SuggestReport>> state = NotYet{};
  while (state && std::holds_alternative<NotYet>(*state)) {
    now_ms_ += 1000;
    state = (*walk)->advance(now_ms_);
  }
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().text(), testing::HasSubstr("eth0 cannot try tx-usecs 64"));
  walk->reset();
  EXPECT_EQ(kernel_.tuning.settings, before_);
}

TEST_F(TxWalkTest, what_cannot_be_tried_is_refused_before_anything_is_changed) {
  const auto with = [&](Knob knob, const std::optional<std::string>& value) {
    std::erase_if(kernel_.tuning.settings,
                  [&](const SettingValue& v) { return v.setting == Setting{kNic, knob, kWholeDevice}; });
    if (value) kernel_.tuning.settings.push_back({{kNic, knob, kWholeDevice}, *value});
    std::ranges::sort(kernel_.tuning.settings, {}, &SettingValue::setting);
  };
  with(Knob::kAdaptiveTx, "on");
  EXPECT_THAT(begin().error().text(), testing::HasSubstr("adaptive-tx off"));
  with(Knob::kAdaptiveTx, "off");
  with(Knob::kTxUsecs, std::nullopt);
  EXPECT_THAT(begin().error().text(), testing::HasSubstr("eth0 has no tx-usecs (driver mlx5_core)"));
  EXPECT_TRUE(kernel_.applied.empty());
}

// A daemon that tunes the NIC.
class TuningDaemonTest : public TxWalkTest {
 protected:
  TuningDaemonTest() {
    const auto config = parse_config({{.file = "xdpfwd.toml",
                                       .text = "[uplink]\ndevices = [\"eth0\"]\n"
                                               "[tuning]\napply = \"auto\"\nprofile = \"balanced\"\n"
                                               "[daemon]\nstate_dir = \"" +
                                               (directory_ / "state") + "\"\n[control]\nsocket = \"" +
                                               (directory_ / "control.sock") + "\"\n"}});
    EXPECT_TRUE(config) << config.error().text();
    daemon_ = std::make_unique<Daemon>(kernel_, "xdpfwd.toml", std::vector<std::string>(), *config,
                                       [this] { return now_ms_; });
  }
  std::unique_ptr<Daemon> daemon_;
};

// A look at the knobs that came due meanwhile would come due again at once, for as long as values are tried:
// the loop would do nothing else.
TEST_F(TuningDaemonTest, no_look_at_the_knobs_is_due_while_values_are_tried) {
  ASSERT_TRUE(daemon_->start());
  ASSERT_TRUE(daemon_->tune_apply());
  int looks = 0;
  daemon_->set_on_look([&] { ++looks; });
  const auto due = daemon_->next_look_ms();
  ASSERT_TRUE(due) << "what is tuned is looked at now and then";
  {
    const auto walk = daemon_->suggest_tx_coalesce(nic_.name, 1);
    ASSERT_TRUE(walk) << walk.error().text();
    EXPECT_EQ(looks, 1) << "the loop asks again when to look";
    now_ms_ = *due + 1;
    daemon_->look_again();
    EXPECT_EQ(daemon_->next_look_ms(), std::nullopt);
  }
  EXPECT_EQ(looks, 3) << "and again when it is over";
  EXPECT_TRUE(daemon_->next_look_ms());
}

TEST_F(TuningDaemonTest, another_daemon_with_its_state_directory_does_not_start) {
  ASSERT_TRUE(daemon_->start());
  Config config;
  config.settings = daemon_->settings();
  Daemon other(kernel_, "xdpfwd.toml", {}, config, [this] { return now_ms_; });
  const auto refused = other.start();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), testing::HasSubstr("another xdpfwd runs with the state directory"));
  daemon_.reset();
  EXPECT_TRUE(other.start());
}

// Nor while the kernel cannot be asked.
TEST_F(TuningDaemonTest, no_look_is_due_at_once_while_the_kernel_cannot_be_asked) {
  ASSERT_TRUE(daemon_->start());
  ASSERT_TRUE(daemon_->tune_apply());
  now_ms_ = *daemon_->next_look_ms();
  kernel_.observe_fault = Error{"netlink says no", "", ENOBUFS};
  daemon_->look_again();
  const auto due = daemon_->next_look_ms();
  ASSERT_TRUE(due) << "it is tried again";
  EXPECT_GT(*due, now_ms_);
  kernel_.observe_fault.reset();
  now_ms_ = *due;
  daemon_->look_again();
  ASSERT_TRUE(daemon_->next_look_ms());
  EXPECT_EQ(*daemon_->next_look_ms(), now_ms_ + Tuner::kPeriodMs) << "and the knobs were looked at with it";
}

TEST_F(TuningDaemonTest, a_trial_that_is_not_undone_is_named_and_tried_again_before_anything_is_tuned) {
  ASSERT_TRUE(daemon_->start());
  const std::vector<SettingValue> tuned = kernel_.tuning.settings;
  {
    const auto walk = daemon_->suggest_tx_coalesce(nic_.name, 1);
    ASSERT_TRUE(walk) << walk.error().text();
    ASSERT_TRUE((*walk)());
    now_ms_ += 1000;
    ASSERT_TRUE((*walk)());
    ASSERT_NE(kernel_.tuning.settings, tuned);
    refuse(EBUSY);
  }
  const auto is_named = [&] {
    return std::ranges::any_of(daemon_->status().problems, [](const Problem& problem) {
      return problem.why == "a trial of tx-usecs is not undone: not now";
    });
  };
  EXPECT_TRUE(is_named());
  EXPECT_FALSE(daemon_->tune_apply());
  EXPECT_TRUE(daemon_->stop()) << "it waits";
  const auto due = daemon_->next_look_ms();
  ASSERT_TRUE(due);
  EXPECT_GT(*due, now_ms_);
  now_ms_ = *due;
  kernel_.fault = {};
  daemon_->look_again();
  EXPECT_FALSE(is_named());
  EXPECT_EQ(kernel_.tuning.settings, tuned);
  EXPECT_TRUE(daemon_->tune_apply());
}

}  // namespace
}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The tuner on a host in memory: what is applied, held, put back and remembered, and what a crash, a refusal
// or a broken undo log leave.
#include "shell/tuner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>

#include "support/knob_kernel.h"
#include "support/scratch_directory.h"

namespace xdpfwd::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

InterfaceName name_of(std::string_view text) {
  return InterfaceName::parse(text).value();
}

class TunerTest : public testing::Test {
 protected:
  TunerTest() {
    kernel_.host.irqbalance = false;
    kernel_.host.add_nic(2, name_of("eth0"), NicModel::kVeth, 2);
    kernel_.host.add_tap(5, name_of("tap0"), "fq_codel");
    kernel_.host.put(kRps, "0-1");
    devices_.nics = {{2, name_of("eth0"), true}};
    devices_.taps = {{5, name_of("tap0")}};
    tuning_.apply = TuningApply::kManual;
    tuning_.profile = Profile::kNone;
    tuning_.cpus.kind = CpuWish::Kind::kKeep;
    restart();
  }
  // As a daemon that ended anyhow, and starts again in the same boot.
  void restart(const std::string& boot = "boot-1") {
    tuner_ = std::make_unique<Tuner>(kernel_, scratch_.path(), boot);
    tuner_->load();
    tuner_->set_wish(make_wish(tuning_, {}));
  }
  void look() {
    now_ms_ += Tuner::kPauseMs;
    tuner_->look(devices_, now_ms_);
  }
  TuningReport apply() { return tuner_->apply(devices_, now_ms_).value(); }
  TuningReport revert() { return tuner_->revert(devices_, now_ms_).value(); }
  std::string value(const Setting& setting) { return kernel_.host.values().at(setting); }
  std::string undo_path() { return scratch_ / "tuning-undo.jsonl"; }
  std::string problems() {
    std::string text;
    for (const Problem& problem : tuner_->problems(now_ms_))
      text += fmt::format("{}: {}; {}\n", problem.thing, problem.why, problem.remedy);
    return text;
  }

  static constexpr Setting kRps{2, Knob::kRps, 0};
  static constexpr Setting kQdisc{5, Knob::kQdisc, kWholeDevice};
  KnobKernel kernel_;
  ScratchDirectory scratch_;
  TunedDevices devices_;
  TuningSettings tuning_;
  std::unique_ptr<Tuner> tuner_;
  uint64_t now_ms_ = 10'000;
};

TEST_F(TunerTest, manual_does_nothing_unasked) {
  look();
  EXPECT_EQ(kernel_.looks, 0U);
  EXPECT_FALSE(tuner_->next_look_ms());
  const TuningReport plan = tuner_->plan(devices_, now_ms_).value();
  EXPECT_THAT(plan.changes, SizeIs(2));
  EXPECT_FALSE(plan.held);
  EXPECT_THAT(kernel_.applied, IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
}

TEST_F(TunerTest, applies_once_and_puts_back_what_was_there) {
  const auto before = kernel_.host.values();
  const TuningReport done = apply();
  ASSERT_THAT(done.changes, SizeIs(2));
  EXPECT_EQ(done.changes[0].from, "0-1");
  EXPECT_TRUE(done.held);
  EXPECT_EQ(value(kRps), "");
  EXPECT_EQ(value(kQdisc), "noqueue");
  EXPECT_THAT(apply().changes, IsEmpty());
  EXPECT_THAT(kernel_.applied, SizeIs(2)) << "nothing that holds is written";
  EXPECT_THAT(tuner_->status(now_ms_).changes, SizeIs(2));
  EXPECT_THAT(revert().changes, SizeIs(2));
  EXPECT_EQ(kernel_.host.values(), before);
  EXPECT_FALSE(std::filesystem::exists(undo_path()));
  look();
  EXPECT_EQ(kernel_.host.values(), before) << "and it stays so";
}

TEST_F(TunerTest, a_restart_goes_on_and_still_knows_what_was_there) {
  const auto before = kernel_.host.values();
  apply();
  restart();
  look();
  EXPECT_THAT(kernel_.applied, SizeIs(2));
  kernel_.host.put(kQdisc, "fq_codel");  // as by a driver that is loaded again
  now_ms_ += 60'000;
  look();
  EXPECT_EQ(value(kQdisc), "noqueue");
  revert();
  EXPECT_EQ(kernel_.host.values(), before);
  restart();
  look();
  EXPECT_EQ(kernel_.host.values(), before) << "nobody asks for tuning any more";
}

TEST_F(TunerTest, what_was_noted_in_another_boot_says_nothing) {
  apply();
  kernel_.host.put(kRps, "0-3");
  restart("boot-2");
  look();
  EXPECT_EQ(value(kRps), "") << "it was asked for, and is applied again";
  revert();
  EXPECT_EQ(value(kRps), "0-3") << "what this boot had, not the last one";
}

TEST_F(TunerTest, what_somebody_changed_since_is_left_alone_and_named) {
  apply();
  kernel_.host.put(kRps, "3");
  const TuningReport done = revert();
  EXPECT_EQ(value(kRps), "3");
  EXPECT_EQ(value(kQdisc), "fq_codel");
  ASSERT_THAT(done.problems, SizeIs(1));
  EXPECT_THAT(done.problems[0].why,
              AllOf(HasSubstr("rps-cpus of queue 0 is 3 now"), HasSubstr("left alone")));
}

TEST_F(TunerTest, a_crash_before_a_step_or_between_steps_loses_nothing) {
  for (const size_t steps : {0U, 1U}) {
    const auto before = kernel_.host.values();
    // From here on nothing is done any more, and nothing written: the state directory is copied as it is.
    const std::string copy = scratch_.path() + "/copy";
    size_t taken = 0;
    kernel_.fault = [&](const Tune&) -> std::optional<Error> {
      if (taken++ < steps) return std::nullopt;
      if (!std::filesystem::exists(copy)) {
        std::filesystem::create_directory(copy);
        for (const char* file : {"/tuning-undo.jsonl", "/tuning-asked"})
          std::filesystem::copy_file(scratch_.path() + file, copy + file);
      }
      return Error{.message = "the host stopped"};
    };
    apply();
    kernel_.fault = {};
    tuner_ = std::make_unique<Tuner>(kernel_, copy, "boot-1");
    tuner_->load();
    tuner_->set_wish(make_wish(tuning_, {}));
    look();
    EXPECT_EQ(value(kRps), "");
    EXPECT_EQ(value(kQdisc), "noqueue");
    revert();
    EXPECT_EQ(kernel_.host.values(), before) << steps << " steps were taken";
    std::filesystem::remove_all(copy);
    restart();
    revert();
  }
}

TEST_F(TunerTest, a_log_that_cannot_be_written_lets_nothing_be_changed) {
  apply();
  revert();
  std::filesystem::create_directory(undo_path() + ".tmp");
  const auto done = tuner_->apply(devices_, now_ms_);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, AllOf(HasSubstr("nothing was changed"), HasSubstr(undo_path())));
  EXPECT_EQ(value(kRps), "0-1");
  std::filesystem::remove(undo_path() + ".tmp");
}

TEST_F(TunerTest, a_broken_log_is_refused_by_its_line_and_kept) {
  apply();
  std::ofstream(undo_path(), std::ios::app) << "{\"boot\":\"boot-1\"\n{}\n";
  restart();
  const auto done = tuner_->revert(devices_, now_ms_);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text(), AllOf(HasSubstr(undo_path() + ": line 3"), HasSubstr("mend that line")));
  EXPECT_THAT(problems(), HasSubstr("line 3"));
  look();
  EXPECT_EQ(value(kRps), "");
  // Mended, a reload takes it.
  std::filesystem::resize_file(undo_path(), std::filesystem::file_size(undo_path()) - 3 - 17);
  tuner_->set_wish(make_wish(tuning_, {}));
  EXPECT_EQ(problems(), "");
  EXPECT_THAT(revert().changes, SizeIs(2));
}

TEST_F(TunerTest, without_the_id_of_the_boot_nothing_is_tuned_and_only_who_wants_it_is_told) {
  restart("");
  look();
  EXPECT_EQ(problems(), "");
  const auto done = tuner_->apply(devices_, now_ms_);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text(), AllOf(HasSubstr("boot_id cannot be read"), HasSubstr("ProcSubset")));
  tuning_.apply = TuningApply::kAuto;
  restart("");
  look();
  EXPECT_THAT(problems(), HasSubstr("boot_id cannot be read"));
  EXPECT_EQ(value(kRps), "0-1");
}

TEST_F(TunerTest, an_unfinished_line_is_no_error_and_spoils_nothing) {
  apply();
  std::ofstream(undo_path(), std::ios::app) << "{\"boot\":\"bo";
  restart();
  kernel_.host.put({2, Knob::kRps, 1}, "2");
  look();
  EXPECT_EQ(value({2, Knob::kRps, 1}), "");
  restart();
  EXPECT_EQ(problems(), "");
  EXPECT_THAT(revert().changes, SizeIs(3));
}

TEST_F(TunerTest, a_refused_value_is_told_and_not_tried_again) {
  size_t tries = 0;
  kernel_.fault = [&](const Tune& tune) -> std::optional<Error> {
    if (tune.setting != kRps) return std::nullopt;
    ++tries;
    return Error{.message = "the driver says no", .remedy = "leave it", .code = EINVAL};
  };
  apply();
  EXPECT_EQ(value(kQdisc), "noqueue") << "the others go on";
  for (int i = 0; i < 3; ++i) look();
  EXPECT_EQ(tries, 1U);
  EXPECT_THAT(problems(),
              HasSubstr("eth0: rps-cpus of queue 0 cannot be set to none: the driver says no; leave it"));
  tuner_->set_wish(make_wish(tuning_, {}));
  look();
  EXPECT_EQ(tries, 2U) << "another configuration asks again";
}

// What was set before the reset reads otherwise when all steps are taken, and no driver is to blame.
TEST_F(TunerTest, a_thread_that_is_refused_is_one_problem) {
  tuning_.napi = *parse_napi_wish("threaded");
  tuning_.napi_thread = ThreadSchedule{ThreadSchedule::Policy::kFifo, 50};
  tuning_.cpus = {CpuWish::Kind::kGiven, {1}};
  tuning_.rps_off = false;
  tuning_.noqueue = NoQueue::kOff;
  kernel_.fault = [](const Tune& tune) -> std::optional<Error> {
    if (tune.setting.knob == Knob::kNapiThreaded) return Error{"no threads here", {}, EOPNOTSUPP};
    return std::nullopt;
  };
  restart();
  const TuningReport report = apply();
  EXPECT_THAT(kernel_.applied, IsEmpty());
  EXPECT_THAT(report.problems, SizeIs(2)) << "of two instances: " << problems();
  EXPECT_THAT(problems(), Not(HasSubstr("napi-thread-")));
  kernel_.fault = nullptr;
  EXPECT_THAT(apply().changes, SizeIs(6));
}

TEST_F(TunerTest, a_nic_that_somebody_resets_while_it_is_set_has_refused_nothing) {
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kMlx5, 2);
  devices_.nics = {{3, name_of("eth1"), true}};
  tuning_.profile = Profile::kLatency;
  tuning_.cpus.kind = CpuWish::Kind::kAuto;
  restart();
  const auto before = kernel_.host.values();
  apply();
  const auto wanted = kernel_.host.values();
  const size_t steps = kernel_.applied.size();
  ASSERT_GT(steps, 8U);
  for (size_t at = 1; at < steps; ++at) {
    revert();
    ASSERT_EQ(kernel_.host.values(), before);
    size_t taken = 0;
    kernel_.fault = [&](const Tune&) {
      if (taken++ == at) kernel_.host.reset(3);
      return std::optional<Error>();
    };
    const TuningReport done = apply();
    kernel_.fault = {};
    EXPECT_EQ(problems(), "") << "reset before step " << at;
    EXPECT_EQ(kernel_.host.values(), wanted) << "reset before step " << at;
    std::set<std::pair<std::string, std::string>> told;
    for (const TuningChange& change : done.changes)
      EXPECT_TRUE(told.emplace(change.device, change.knob).second) << change.knob << " is told twice";
  }
}

TEST_F(TunerTest, a_value_that_a_driver_does_not_keep_is_told_when_it_did_not_twice) {
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kMlx5, 1);
  kernel_.host.ignore_tx_usecs(3);
  devices_.nics.push_back({3, name_of("eth1"), true});
  tuning_.adaptive_tx = Switch::kOff;
  tuning_.tx_usecs = {NumberWish::Kind::kGiven, 77};
  tuning_.force = true;
  restart();
  const auto before = kernel_.host.values();
  size_t tries = 0;
  kernel_.fault = [&](const Tune& tune) {
    tries += tune.setting == Setting{3, Knob::kTxUsecs, kWholeDevice} && tune.value == "77" ? 1 : 0;
    return std::optional<Error>();
  };
  apply();
  EXPECT_EQ(tries, 2U);
  EXPECT_THAT(problems(), HasSubstr("eth1: tx-usecs was set to 77 without an error, and reads"));
  const size_t steps = kernel_.applied.size();
  look();
  EXPECT_EQ(kernel_.applied.size(), steps);
  revert();
  EXPECT_EQ(kernel_.host.values(), before);
}

// Each try takes the link away.
TEST_F(TunerTest, a_value_that_a_driver_rounds_is_told_put_back_and_not_tried_for_each_guest) {
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kIgb, 1);
  devices_.nics = {{3, name_of("eth1"), true}};
  tuning_.ring_rx = {NumberWish::Kind::kGiven, 500};
  restart();
  const auto before = kernel_.host.values();
  size_t tries = 0;
  kernel_.fault = [&](const Tune& tune) {
    tries += tune.setting.knob == Knob::kRxRing ? 1 : 0;
    return std::optional<Error>();
  };
  const Setting ring{3, Knob::kRxRing, kWholeDevice};
  apply();
  EXPECT_EQ(value(ring), "504");
  EXPECT_THAT(problems(), HasSubstr("eth1: ring-rx cannot be set to 500"));
  for (int i = 0; i < 3; ++i) {
    tuner_->set_wish(make_wish(tuning_, {}));
    look();
  }
  EXPECT_EQ(tries, 1U);
  tuning_.ring_rx = {NumberWish::Kind::kGiven, 512};
  tuner_->set_wish(make_wish(tuning_, {}));
  look();
  EXPECT_EQ(value(ring), "512") << "another value is tried";
  EXPECT_EQ(problems(), "");
  tuning_.ring_rx = {NumberWish::Kind::kGiven, 500};
  tuner_->set_wish(make_wish(tuning_, {}));
  look();
  EXPECT_EQ(value(ring), "504");
  EXPECT_THAT(revert().problems, IsEmpty());
  EXPECT_EQ(kernel_.host.values(), before);
  EXPECT_FALSE(std::filesystem::exists(undo_path()));
}

TEST_F(TunerTest, who_fights_is_told_and_left_alone_for_a_while) {
  apply();
  for (size_t i = 0; i < Fights::kMost; ++i) {
    kernel_.host.put(kRps, "1");
    look();
    EXPECT_EQ(value(kRps), "") << i;
  }
  kernel_.host.put(kRps, "1");
  look();
  EXPECT_EQ(value(kRps), "1");
  EXPECT_THAT(problems(), HasSubstr("eth0: somebody else sets rps-cpus of queue 0 again and again"));
  now_ms_ += Fights::kPauseMs;
  look();
  EXPECT_EQ(value(kRps), "");
  EXPECT_EQ(problems(), "");
}

// Nobody tells of packet steering: it is seen when it is time to look.
TEST_F(TunerTest, a_fight_over_what_nobody_tells_of_is_one_too) {
  apply();
  for (size_t i = 0; i < Fights::kMost; ++i) {
    kernel_.host.put(kRps, "1");
    now_ms_ = *tuner_->next_look_ms();
    tuner_->look(devices_, now_ms_);
    EXPECT_EQ(value(kRps), "") << i;
  }
  kernel_.host.put(kRps, "1");
  now_ms_ = *tuner_->next_look_ms();
  tuner_->look(devices_, now_ms_);
  EXPECT_EQ(value(kRps), "1");
  EXPECT_THAT(problems(), HasSubstr("eth0: somebody else sets rps-cpus of queue 0 again and again"));
}

TEST_F(TunerTest, auto_applies_by_itself_until_it_is_reverted) {
  tuning_.apply = TuningApply::kAuto;
  restart();
  look();
  EXPECT_EQ(value(kRps), "");
  revert();
  look();
  EXPECT_EQ(value(kRps), "0-1");
  tuner_->start_again();  // a reload
  look();
  EXPECT_EQ(value(kRps), "");
}

TEST_F(TunerTest, off_changes_nothing_and_still_puts_back) {
  apply();
  tuning_.apply = TuningApply::kOff;
  restart();
  look();
  const auto refused = tuner_->apply(devices_, now_ms_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("tuning.apply is \"off\""));
  EXPECT_THAT(problems(), HasSubstr("2 settings are as xdpfwd once set them, and are not held"));
  EXPECT_THAT(revert().changes, SizeIs(2));
  EXPECT_EQ(problems(), "");
}

TEST_F(TunerTest, a_stop_puts_back_and_the_next_start_goes_on) {
  const auto before = kernel_.host.values();
  apply();
  EXPECT_FALSE(tuner_->stop(devices_, now_ms_));
  EXPECT_EQ(kernel_.host.values(), before);
  restart();
  look();
  EXPECT_EQ(value(kRps), "");
}

TEST_F(TunerTest, a_nic_that_is_renamed_is_still_put_back) {
  const auto before = kernel_.host.values();
  devices_.names = {{2, name_of("eth0")}, {5, name_of("tap0")}};
  apply();
  // At first it is seen under its old name only.
  kernel_.host.nic(2).name = name_of("ens1");
  look();
  EXPECT_THAT(tuner_->status(now_ms_).changes, SizeIs(2));
  devices_.names[2] = name_of("ens1");
  devices_.nics = {{2, name_of("ens1"), true}};
  look();
  EXPECT_THAT(tuner_->status(now_ms_).changes, SizeIs(2));
  restart();
  EXPECT_EQ(tuner_->status(now_ms_).changes[0].device, "ens1");
  revert();
  EXPECT_EQ(kernel_.host.values(), before);
  // What is gone is forgotten all the same.
  apply();
  devices_ = {};
  kernel_.host.nic(2).name = name_of("eth7");
  look();
  EXPECT_THAT(tuner_->status(now_ms_).changes, IsEmpty());
}

TEST_F(TunerTest, a_device_that_is_tuned_no_more_is_still_looked_at_and_put_back) {
  apply();
  devices_ = {};
  look();
  EXPECT_EQ(value(kRps), "0-1") << "no member any more";
  EXPECT_EQ(value(kQdisc), "fq_codel") << "no guest's tap any more";
  ASSERT_THAT(kernel_.scope.nics, IsEmpty()) << "what is put back is forgotten";
}

TEST_F(TunerTest, one_nic_after_the_other_is_reset) {
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kVeth, 2);
  for (const uint32_t ifindex : {2U, 3U}) kernel_.host.nic(ifindex).max_channels = 4;
  devices_.nics.push_back({3, name_of("eth1"), true});
  tuning_.channels = {NumberWish::Kind::kGiven, 1};
  restart();
  const auto channels = [&](uint32_t ifindex) { return value({ifindex, Knob::kChannels, kWholeDevice}); };
  const TuningReport done = apply();
  EXPECT_EQ(channels(2), "1");
  EXPECT_EQ(channels(3), "2");
  EXPECT_GE(done.waiting, 1U);
  ASSERT_TRUE(tuner_->next_look_ms());
  devices_.nics[0].carries = false;
  now_ms_ = *tuner_->next_look_ms();
  look();
  EXPECT_EQ(channels(3), "2") << "eth0 has no link yet";
  devices_.nics[0].carries = true;
  now_ms_ += 1000;
  look();
  EXPECT_EQ(channels(3), "1");
}

// Merging and, with an old mlx5, adaptive moderation take the link away like channels do.
TEST_F(TunerTest, one_nic_after_the_other_has_its_channels_made_anew) {
  devices_.nics.clear();
  for (const uint32_t ifindex : {3U, 4U}) {
    const InterfaceName nic = name_of(fmt::format("eth{}", ifindex));
    kernel_.host.add_nic(ifindex, nic, NicModel::kMlx5Old, 2);
    kernel_.host.put({ifindex, Knob::kLro, kWholeDevice}, "on");
    devices_.nics.push_back({ifindex, nic, true});
  }
  tuning_.adaptive_rx = Switch::kOff;
  restart();
  const auto state = [&](uint32_t ifindex) {
    return fmt::format("lro {}, adaptive {}, {} times without link",
                       value({ifindex, Knob::kLro, kWholeDevice}),
                       value({ifindex, Knob::kAdaptiveRx, kWholeDevice}), kernel_.host.links_lost(ifindex));
  };
  EXPECT_GE(apply().waiting, 2U);
  EXPECT_EQ(state(3), "lro off, adaptive off, 2 times without link");
  EXPECT_EQ(state(4), "lro on, adaptive on, 0 times without link");
  now_ms_ += 2000;
  look();
  EXPECT_EQ(state(4), "lro off, adaptive off, 2 times without link");
}

// The ring may be what takes its link: eth1 is the last one that carries.
TEST_F(TunerTest, no_other_nic_is_reset_when_one_did_not_come_back) {
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kVeth, 2);
  for (const uint32_t ifindex : {2U, 3U}) kernel_.host.nic(ifindex).max_channels = 4;
  devices_.nics.push_back({3, name_of("eth1"), true});
  tuning_.channels = {NumberWish::Kind::kGiven, 1};
  restart();
  const auto channels = [&](uint32_t ifindex) { return value({ifindex, Knob::kChannels, kWholeDevice}); };
  apply();
  devices_.nics[0].carries = false;
  for (int i = 0; i < 40; ++i) {
    now_ms_ += 1000;
    look();
  }
  EXPECT_EQ(channels(2) + channels(3), "12");
  EXPECT_EQ(value(kQdisc), "noqueue") << "what resets nothing goes on";
  EXPECT_THAT(problems(), HasSubstr("eth0: it has had no link since it was reset"));
  // Nor when the daemon ends.
  const uint64_t start = now_ms_;
  while (tuner_->stop(devices_, now_ms_)) now_ms_ += 1000;
  EXPECT_LE(now_ms_ - start, Tuner::kStopMs + 1000);
  EXPECT_EQ(channels(2), "2") << "it may bring the link back";
  EXPECT_EQ(value(kRps), "0-1");
  EXPECT_EQ(value({3, Knob::kChannels, kWholeDevice}), "2");
}

TEST_F(TunerTest, a_stop_leaves_the_last_nic_that_carries_and_says_so) {
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kVeth, 2);
  for (const uint32_t ifindex : {2U, 3U}) kernel_.host.nic(ifindex).max_channels = 4;
  devices_.nics.push_back({3, name_of("eth1"), true});
  tuning_.channels = {NumberWish::Kind::kGiven, 1};
  restart();
  const auto channels = [&](uint32_t ifindex) { return value({ifindex, Knob::kChannels, kWholeDevice}); };
  apply();
  now_ms_ += 2000;
  look();
  ASSERT_EQ(channels(2) + channels(3), "11");
  now_ms_ += 2000;
  EXPECT_TRUE(tuner_->stop(devices_, now_ms_));
  devices_.nics[0].carries = false;  // and never again
  while (tuner_->stop(devices_, now_ms_)) now_ms_ += 1000;
  EXPECT_EQ(channels(2) + channels(3), "21");
  EXPECT_TRUE(std::filesystem::exists(undo_path())) << "the next start knows";
}

// irqbalance knows numbers, and they outlive a reset that gives the NIC others.
TEST_F(TunerTest, bans_of_interrupts_that_got_other_numbers_are_lifted) {
  kernel_.host.irqbalance = true;
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kMlx5, 2);
  devices_.nics.push_back({3, name_of("eth1"), true});
  tuning_.cpus.kind = CpuWish::Kind::kAuto;
  restart();
  apply();
  EXPECT_THAT(kernel_.host.banned(), ElementsAre(300, 301));
  kernel_.host.renumber(3);
  look();
  EXPECT_THAT(kernel_.host.banned(), ElementsAre(350, 351));
  kernel_.host.renumber(3);
  restart();
  revert();
  EXPECT_THAT(kernel_.host.banned(), IsEmpty());
  // The NIC goes, and its numbers with it.
  apply();
  EXPECT_THAT(kernel_.host.banned(), ElementsAre(400, 401));
  kernel_.host.remove_nic(3);
  devices_.nics.pop_back();
  look();
  EXPECT_THAT(kernel_.host.banned(), IsEmpty());
  EXPECT_EQ(problems(), "");
}

// Two NICs of which much is reset, and a host's default: apply and revert, each killed before every call of
// the kernel in turn.
class KilledTuner : public TunerTest, public testing::WithParamInterface<TuningApply> {
 protected:
  KilledTuner() {
    kernel_.host.add_nic(3, name_of("eth1"), NicModel::kMlx5, 2);
    kernel_.host.nic(3).max_channels = 8;
    devices_.nics.push_back({3, name_of("eth1"), true});
    tuning_.apply = GetParam();
    tuning_.profile = Profile::kThroughput;
    tuning_.cpus.kind = CpuWish::Kind::kAuto;
    tuning_.channels = {NumberWish::Kind::kGiven, 3};
    tuning_.ring_rx = {NumberWish::Kind::kGiven, 512};
    tuning_.noqueue = NoQueue::kHost;
    kernel_.host.nic(2).max_channels = 4;
    kernel_.host.nic(2).max_rx_ring = 4096;
    kernel_.host.put({2, Knob::kRxRing, kWholeDevice}, "256");
    restart();
    before_ = kernel_.host.values();
  }
  // Looks until there is nothing to wait for.
  void wait() {
    for (int i = 0; i < 8; ++i) {
      now_ms_ += Tuner::kPeriodMs;
      look();
    }
  }
  void finish() {
    wait();
    EXPECT_EQ(problems(), "");
  }
  // Runs it, killed before its call number `calls` + 1; false: it ended before.
  template <typename What>
  bool killed(size_t calls, const What& what) {
    kernel_.calls_left = calls;
    bool killed = false;
    try {
      what();
    } catch (const KnobKernel::Killed&) {
      killed = true;
    }
    kernel_.calls_left.reset();
    restart();
    tuner_->start_again();
    return killed;
  }
  std::map<Setting, std::string> before_;
};

TEST_P(KilledTuner, an_apply_that_is_killed_anywhere_is_finished_by_the_next_start) {
  apply();
  finish();
  const auto wanted = kernel_.host.values();
  ASSERT_NE(wanted, before_);
  size_t calls = 0;
  for (bool cut = true; cut; ++calls) {
    revert();
    finish();
    ASSERT_EQ(kernel_.host.values(), before_) << calls;
    cut = killed(calls, [&] {
      apply();
      wait();
    });
    finish();
    ASSERT_EQ(kernel_.host.values(), wanted) << "killed before call " << calls + 1;
  }
  EXPECT_GT(calls, 20U);
}

TEST_P(KilledTuner, a_revert_that_is_killed_anywhere_is_finished_by_the_next_start) {
  apply();
  finish();
  const auto wanted = kernel_.host.values();
  size_t calls = 0;
  for (bool cut = true; cut; ++calls) {
    cut = killed(calls, [&] {
      revert();
      wait();
    });
    finish();
    // Where it is applied by itself, a start does that.
    ASSERT_EQ(kernel_.host.values(), GetParam() == TuningApply::kAuto ? wanted : before_)
        << "killed before call " << calls + 1;
    revert();
    finish();
    ASSERT_EQ(kernel_.host.values(), before_) << "killed before call " << calls + 1;
    apply();
    finish();
    ASSERT_EQ(kernel_.host.values(), wanted);
  }
  EXPECT_GT(calls, 20U);
}

TEST_P(KilledTuner, a_stop_that_is_killed_anywhere_is_undone_by_the_next_start) {
  apply();
  finish();
  const auto wanted = kernel_.host.values();
  for (size_t calls = 0; killed(calls,
                                [&] {
                                  while (tuner_->stop(devices_, now_ms_)) now_ms_ += 1000;
                                });
       ++calls) {
    if (GetParam() == TuningApply::kManual) finish();
    finish();
    ASSERT_EQ(kernel_.host.values(), wanted) << "killed before call " << calls + 1;
  }
  revert();
  finish();
  ASSERT_EQ(kernel_.host.values(), before_);
}

INSTANTIATE_TEST_SUITE_P(Tuner, KilledTuner, testing::Values(TuningApply::kManual, TuningApply::kAuto));

TEST_F(TunerTest, a_revert_wins_over_an_apply_whose_end_it_did_not_live_to_note) {
  apply();
  std::ofstream(scratch_ / "tuning-reverting");
  restart();
  look();
  EXPECT_EQ(value(kRps), "0-1");
  EXPECT_EQ(value(kQdisc), "fq_codel");
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "tuning-reverting"));
}

TEST_F(TunerTest, what_is_refused_for_a_moment_is_tried_again) {
  size_t tries = 0;
  kernel_.fault = [&](const Tune& tune) -> std::optional<Error> {
    if (tune.setting != kRps || ++tries > 3) return std::nullopt;
    return Error{.message = "busy", .code = EBUSY};
  };
  const uint64_t start = now_ms_;
  apply();
  for (size_t expected = 2; expected <= 4; ++expected) {
    EXPECT_THAT(problems(), HasSubstr("rps-cpus of queue 0 cannot be set to none: busy"));
    look();
    EXPECT_EQ(tries, expected - 1) << "not at once";
    now_ms_ = *tuner_->next_look_ms();
    look();
    EXPECT_EQ(tries, expected);
  }
  EXPECT_GE(now_ms_ - start, 7 * Tuner::kRetryMs) << "1, 2, 4 s";
  EXPECT_EQ(value(kRps), "");
  EXPECT_EQ(problems(), "");
}

// What is tried again just after a look that something else brought.
TEST_F(TunerTest, no_look_is_due_at_once_again) {
  kernel_.fault = [&](const Tune&) { return std::optional(Error{.message = "busy", .code = EBUSY}); };
  apply();
  now_ms_ += Tuner::kRetryMs - 100;
  tuner_->look(devices_, now_ms_);
  now_ms_ = *tuner_->next_look_ms();
  tuner_->look(devices_, now_ms_);
  EXPECT_GT(*tuner_->next_look_ms(), now_ms_);
}

TEST_F(TunerTest, what_was_refused_of_something_that_is_gone_is_forgotten) {
  kernel_.fault = [&](const Tune& tune) -> std::optional<Error> {
    if (tune.setting != kRps) return std::nullopt;
    return Error{.message = "no", .code = EINVAL};
  };
  apply();
  EXPECT_THAT(problems(), HasSubstr("rps-cpus"));
  kernel_.host.remove(kRps);
  look();
  EXPECT_EQ(problems(), "");
}

// As with AF_XDP sockets on the queues: half of the guests had rules to queues that there are not.
TEST_F(TunerTest, rules_lead_to_the_queues_that_there_are_where_channels_are_refused) {
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kMlx5, 2);
  kernel_.host.nic(3).max_channels = 8;
  devices_.nics = {{3, name_of("eth1"), true}};
  tuning_.channels = {NumberWish::Kind::kGiven, 8};
  restart();
  std::vector<Guest> guests(4);
  for (uint32_t i = 0; i < 4; ++i) {
    guests[i].name = fmt::format("vm{}", i);
    guests[i].tap = name_of(fmt::format("tap{}", i));
    guests[i].macs = {MacAddress::from_bits(0x525400000000 + i)};
    guests[i].vlans = {VlanTag::make(100).value()};
  }
  tuner_->set_wish(make_wish(tuning_, guests));
  kernel_.fault = [&](const Tune& tune) -> std::optional<Error> {
    if (tune.setting.knob != Knob::kChannels) return std::nullopt;
    return Error{.message = "AF_XDP sockets", .code = EINVAL};
  };
  const TuningReport report = apply();
  EXPECT_EQ(value({3, Knob::kRule, 3}), "52:54:00:00:00:03 queue 1");
  ASSERT_THAT(report.problems, SizeIs(1)) << problems();
  EXPECT_THAT(report.problems[0].why, HasSubstr("channels cannot be set to 8"));
}

TEST_F(TunerTest, a_guest_is_moved_off_a_busy_queue) {
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kMlx5, 2);
  devices_.nics = {{3, name_of("eth1"), true}};
  std::vector<Guest> guests(3);
  for (uint32_t i = 0; i < 3; ++i) {
    guests[i].name = fmt::format("vm{}", i);
    guests[i].tap = name_of(fmt::format("tap{}", i));
    guests[i].macs = {MacAddress::from_bits(0x525400000000 + i)};
    guests[i].vlans = {VlanTag::make(100).value()};
  }
  tuner_->set_wish(make_wish(tuning_, guests));
  EXPECT_FALSE(tuner_->wants_rates(now_ms_)) << "nobody asked for tuning";
  apply();
  const auto rules = [&] {
    return fmt::format("{}, {}, {}", value({3, Knob::kRule, 0}), value({3, Knob::kRule, 1}),
                       value({3, Knob::kRule, 2}));
  };
  const std::string before =
      "52:54:00:00:00:00 queue 0, 52:54:00:00:00:01 queue 1, 52:54:00:00:00:02 queue 0";
  ASSERT_EQ(rules(), before);
  for (const uint64_t rate : {0U, 400'000U}) {
    ASSERT_TRUE(tuner_->wants_rates(now_ms_));
    tuner_->feed_rates({{guests[0].tap, 10 * rate}, {guests[1].tap, 0}, {guests[2].tap, 8 * rate}}, now_ms_);
    EXPECT_FALSE(tuner_->wants_rates(now_ms_));
    look();
    if (rate == 0) {
      EXPECT_EQ(rules(), before);
    }
    now_ms_ += TapRates::kPeriodMs;
  }
  EXPECT_EQ(rules(), "52:54:00:00:00:00 queue 0, 52:54:00:00:00:01 queue 1, 52:54:00:00:00:02 queue 1");
  const size_t steps = kernel_.applied.size();
  look();
  EXPECT_EQ(kernel_.applied.size(), steps);
}

TEST_F(TunerTest, a_stop_resets_one_nic_after_the_other_too) {
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kVeth, 2);
  for (const uint32_t ifindex : {2U, 3U}) kernel_.host.nic(ifindex).max_channels = 4;
  devices_.nics.push_back({3, name_of("eth1"), true});
  tuning_.channels = {NumberWish::Kind::kGiven, 1};
  restart();
  const auto before = kernel_.host.values();
  const auto channels = [&](uint32_t ifindex) { return value({ifindex, Knob::kChannels, kWholeDevice}); };
  apply();
  now_ms_ += 2000;
  look();
  ASSERT_EQ(channels(2) + channels(3), "11");
  now_ms_ += 2000;
  EXPECT_TRUE(tuner_->stop(devices_, now_ms_));
  EXPECT_EQ(channels(2) + channels(3), "21");
  devices_.nics[0].carries = false;
  now_ms_ += 2000;
  EXPECT_TRUE(tuner_->stop(devices_, now_ms_));
  EXPECT_EQ(channels(3), "1") << "eth0 carries nothing yet";
  devices_.nics[0].carries = true;
  EXPECT_FALSE(tuner_->stop(devices_, now_ms_));
  EXPECT_EQ(kernel_.host.values(), before);
}

TEST_F(TunerTest, a_stop_does_not_wait_for_ever) {
  kernel_.host.add_nic(3, name_of("eth1"), NicModel::kVeth, 2);
  kernel_.host.add_nic(4, name_of("eth2"), NicModel::kVeth, 2);
  for (const uint32_t ifindex : {2U, 3U, 4U}) kernel_.host.nic(ifindex).max_channels = 4;
  devices_.nics.push_back({3, name_of("eth1"), true});
  devices_.nics.push_back({4, name_of("eth2"), true});
  tuning_.channels = {NumberWish::Kind::kGiven, 1};
  restart();
  const auto before = kernel_.host.values();
  apply();
  for (int i = 0; i < 3; ++i) {
    now_ms_ += 2000;
    look();
  }
  const uint64_t start = now_ms_ += 2000;
  EXPECT_TRUE(tuner_->stop(devices_, now_ms_));
  for (TunedNic& nic : devices_.nics) nic.carries = false;
  while (tuner_->stop(devices_, now_ms_)) now_ms_ += 1000;
  EXPECT_LE(now_ms_ - start, Tuner::kStopMs);
  EXPECT_EQ(kernel_.host.values(), before);
}

TEST_F(TunerTest, much_that_is_heard_is_one_look) {
  apply();
  look();
  const size_t looks = kernel_.looks;
  for (int i = 0; i < 10; ++i) tuner_->look(devices_, now_ms_ + 1);
  EXPECT_EQ(kernel_.looks, looks);
  EXPECT_LE(*tuner_->next_look_ms(), now_ms_ + Tuner::kPauseMs) << "and it is not forgotten";
}

}  // namespace
}  // namespace xdpfwd::test

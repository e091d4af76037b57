// SPDX-License-Identifier: BSD-2-Clause
// Whether tuning has its effect: values, interrupts, polls and frames; and NICs that lie about each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_host_tuning.h"
#include "tuning/suggest.h"
#include "tuning/verify.h"

namespace xdpfwd {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr uint64_t kSecond = 1'000'000'000;

InterfaceName name(std::string_view text) {
  return *InterfaceName::parse(text);
}

// One mlx5 NIC with two queues, tuned, and a guest steered to its second queue.
class VerifyTest : public testing::Test {
 protected:
  VerifyTest() {
    host_.add_nic(2, name("eth0"), test::NicModel::kMlx5, 2);
    want({2, Knob::kAdaptiveRx, kWholeDevice}, "off");
    want({2, Knob::kAdaptiveTx, kWholeDevice}, "off");
    want({2, Knob::kRxUsecs, kWholeDevice}, "20");
    want({2, Knob::kTxUsecs, kWholeDevice}, "100");
    want({2, Knob::kRxFrames, kWholeDevice}, "0");
    want({2, Knob::kTxFrames, kWholeDevice}, "0");
    want({2, Knob::kRule, 0}, "52:54:00:00:00:01 queue 1");
    wanted_.held = true;
    wanted_.guests = {
        {.name = "vm1", .tap = name("tap1"), .macs = {*MacAddress::parse("52:54:00:00:00:01")}}};
    polls_.period_ns = kSecond;
    polls_.sent = {{"eth0", 1000}};
    for (uint32_t queue = 0; queue < 2; ++queue)
      polls_.queues.push_back({"eth0", queue, 500 + queue, 30'000, {200, 20'000}, 20'000, 30'000});
    polls_.delivered = {{"eth0", 1, 501, "tap1", 29'000, 0}};
  }
  void want(const Setting& setting, const std::string& value) {
    wanted_.settings.push_back(
        {.setting = setting, .device = name("eth0"), .value = value, .reason = "test"});
    const auto set = host_.apply({.setting = setting, .name = name("eth0"), .value = value});
    ASSERT_TRUE(set) << set.error().text();
  }
  std::vector<Finding> verify() { return verify_tuning(wanted_, host_.observe(), polls_); }
  // Those that are not passes.
  std::vector<Finding> trouble() {
    std::vector<Finding> findings = verify();
    std::erase_if(findings, [](const Finding& finding) { return finding.verdict == Verdict::kPass; });
    return findings;
  }

  test::FakeHostTuning host_{4};
  WantedTuning wanted_;
  PollsReport polls_;
};

TEST_F(VerifyTest, a_nic_that_does_as_it_says_passes) {
  EXPECT_TRUE(trouble().empty()) << trouble()[0].what;
  std::string checks;
  for (const Finding& finding : verify()) checks += finding.check + " ";
  EXPECT_EQ(checks, "settings coalescing zero-work steering softnet ");
}

TEST_F(VerifyTest, a_driver_that_takes_tx_usecs_and_keeps_another_value_is_named) {
  host_.put({2, Knob::kTxUsecs, kWholeDevice}, "8");
  for (uint32_t queue = 0; queue < 2; ++queue) host_.remove({2, Knob::kTxUsecs, queue});
  wanted_.refused = {{.setting = {2, Knob::kTxUsecs, kWholeDevice},
                      .why = "tx-usecs was set to 100 without an error, and reads 8"}};
  const auto found = trouble();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].verdict, Verdict::kFail);
  EXPECT_EQ(found[0].check, "tx-usecs");
  EXPECT_THAT(found[0].what,
              AllOf(HasSubstr("driver mlx5_core"), HasSubstr("without an error, and reads 8")));
}

TEST_F(VerifyTest, a_value_that_reads_back_and_has_no_effect_is_named) {
  // 60000 interrupts where 20 and 100 us allow 60000 at most: still within what is measured.
  polls_.queues[1].interrupts = 80'000;
  EXPECT_TRUE(trouble().empty());
  // The interrupts of an ignored tx-usecs: each makes an empty poll.
  polls_.queues[1].interrupts = 130'000;
  polls_.queues[1].by_work[0] = 110'000;
  const auto found = trouble();
  ASSERT_EQ(found.size(), 2U);  // and that there are many empty polls
  EXPECT_EQ(found[0].verdict, Verdict::kFail);
  EXPECT_EQ(found[0].check, "tx-usecs");
  EXPECT_THAT(found[0].what,
              AllOf(HasSubstr("driver mlx5_core"), HasSubstr("queue 1"), HasSubstr("has no effect")));
  EXPECT_EQ(found[1].check, "zero-work");
  EXPECT_THAT(found[1].remedy, HasSubstr("tune suggest tx-coalesce eth0"));
}

TEST_F(VerifyTest, empty_polls_alone_are_a_warning) {
  polls_.queues[1].by_work[0] = 17'000;
  polls_.queues[1].interrupts.reset();
  const auto found = trouble();
  ASSERT_GE(found.size(), 1U);
  EXPECT_EQ(found[0].verdict, Verdict::kWarn);
  EXPECT_EQ(found[0].check, "tx-usecs");
}

TEST_F(VerifyTest, frames_that_make_an_interrupt_before_its_time_are_no_lie) {
  polls_.queues[1].by_work[0] = 17'000;
  polls_.sent[0].packets = 32'000;
  host_.put({2, Knob::kTxFrames, kWholeDevice}, "2");
  for (uint32_t queue = 0; queue < 2; ++queue) host_.remove({2, Knob::kTxFrames, queue});
  wanted_.settings[5].value = "2";
  for (const Finding& finding : trouble()) EXPECT_NE(finding.check, "tx-usecs") << finding.what;
}

// All that the NIC sends is allowed to each queue, and to all of them together once.
TEST_F(VerifyTest, many_queues_do_not_hide_an_ignored_value) {
  for (const uint32_t queues : {1U, 8U, 64U}) {
    test::FakeHostTuning host(8);
    host.add_nic(2, name("eth0"), test::NicModel::kMlx5, queues);
    polls_.queues.clear();
    for (uint32_t queue = 0; queue <= queues; ++queue) {
      const uint32_t index = queue == queues ? kWholeDevice : queue;
      for (const auto& [knob, value] : std::map<Knob, std::string>{{Knob::kAdaptiveRx, "off"},
                                                                   {Knob::kAdaptiveTx, "off"},
                                                                   {Knob::kRxUsecs, "50"},
                                                                   {Knob::kTxUsecs, "150"},
                                                                   {Knob::kRxFrames, "64"},
                                                                   {Knob::kTxFrames, "128"}})
        host.put({2, knob, index}, value);
      if (queue == queues) break;
      // 100 k frames each second are sent, and 25 k polls take none.
      QueueReport report{.device = "eth0", .queue = queue, .napi = 500 + queue, .packets = 10'000};
      report.by_work = {25'000, 10'000};
      report.interrupts = 35'000;
      polls_.queues.push_back(report);
    }
    polls_.sent = {{"eth0", 100'000ULL * queues}};
    size_t named = 0;
    WantedTuning nothing;
    nothing.held = true;
    for (const Finding& finding : verify_tuning(nothing, host.observe(), polls_))
      named += finding.check == "tx-usecs" && finding.verdict != Verdict::kPass ? 1 : 0;
    EXPECT_GE(named, 1U) << queues << " queues";
  }
}

// As in the profile "latency": each frame may interrupt.
TEST_F(VerifyTest, empty_polls_bound_sending_where_receiving_has_no_delay) {
  for (const uint32_t index : {0U, 1U, kWholeDevice}) host_.put({2, Knob::kRxUsecs, index}, "0");
  for (DesiredSetting& desired : wanted_.settings)
    if (desired.setting.knob == Knob::kRxUsecs) desired.value = "0";
  polls_.queues[1].by_work[0] = 100'000;
  std::string checks;
  for (const Finding& finding : trouble()) checks += finding.check + " ";
  EXPECT_THAT(checks, HasSubstr("tx-usecs"));
}

TEST_F(VerifyTest, where_nothing_can_be_told_that_is_said) {
  for (const uint32_t index : {0U, 1U, kWholeDevice}) host_.put({2, Knob::kAdaptiveTx, index}, "on");
  std::string whats;
  for (const Finding& finding : verify()) whats += finding.what + "\n";
  EXPECT_THAT(whats, HasSubstr("of 2 queues nothing can be told"));
}

TEST_F(VerifyTest, a_guest_that_arrives_elsewhere_is_found) {
  polls_.delivered = {{"eth0", 0, 500, "tap1", 20'000, 0}, {"eth0", 1, 501, "tap1", 9'000, 0}};
  auto found = trouble();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].verdict, Verdict::kFail);
  EXPECT_EQ(found[0].thing, "eth0 to tap1");
  EXPECT_THAT(found[0].what, HasSubstr("31.0 % of 29000 frames arrived by queue 1"));
  // Nobody tells whose the NAPI instances are.
  polls_.delivered = {{"eth0", std::nullopt, 501, "tap1", 29'000, 0}};
  found = trouble();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].verdict, Verdict::kWarn);
  // Silence is no failure.
  polls_.delivered.clear();
  EXPECT_TRUE(trouble().empty());
}

TEST_F(VerifyTest, values_that_differ_fail_only_when_they_are_held) {
  host_.put({2, Knob::kRule, 0}, "");
  auto found = trouble();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].verdict, Verdict::kFail);
  EXPECT_THAT(found[0].what, HasSubstr("rule 0 is none, and 52:54:00:00:00:01 queue 1 is wanted"));
  wanted_.held = false;
  found = trouble();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].check, "asked");
  EXPECT_EQ(found[1].verdict, Verdict::kWarn);
}

TEST_F(VerifyTest, losses_are_told_with_their_remedy) {
  polls_.backlog_dropped = 3;
  polls_.budget_exhausted = 2;
  polls_.delivered[0].lost = 1000;
  polls_.uncounted = 1;
  const auto found = trouble();
  ASSERT_EQ(found.size(), 4U);
  EXPECT_THAT(found[2].what, HasSubstr("1000 of 30000 frames were lost"));
  EXPECT_EQ(found[2].thing, "tap1");
}

// ---- a walk of tx-usecs
// --------------------------------------------------------------------------------------

const TxBound kBound{.usecs = 200, .why = "bounded"};

TxRung rung(uint32_t usecs, uint64_t zero_polls, uint64_t net_ns = 300'000'000) {
  return {.usecs = usecs,
          .period_ns = kSecond,
          .polls = 10'000 + zero_polls,
          .zero_polls = zero_polls,
          .packets = 20'000,
          .interrupts = 10'000 + zero_polls,
          .net_softirq_ns = net_ns};
}

SuggestReport suggest(std::vector<TxRung> rungs, TxBound bound = kBound) {
  const uint32_t present = rungs.front().usecs;
  return suggest_tx("eth0", "mlx5_core", present, std::move(rungs), bound);
}

TEST(TxWalk, begins_and_ends_with_the_present_value_and_stays_within_the_bound) {
  EXPECT_EQ(tx_walk(8, kBound, true), (std::vector<uint32_t>{8, 0, 16, 32, 64, 128, 200, 8}));
  EXPECT_EQ(tx_walk(32, {.usecs = 40, .why = ""}, true), (std::vector<uint32_t>{32, 0, 16, 40, 32}));
  EXPECT_EQ(tx_walk(8, kBound, false), (std::vector<uint32_t>{8, 16, 32, 64, 128, 200, 8}));
}

TEST(TxWalk, the_shortest_delay_that_is_as_good_as_the_best_is_recommended) {
  const auto report = suggest({rung(8, 9000), rung(0, 20'000), rung(32, 5000), rung(64, 1050),
                               rung(128, 1000), rung(200, 1000), rung(8, 9100)});
  EXPECT_EQ(report.suggested, 64U);
  EXPECT_THAT(report.why, HasSubstr("1050 polls without a packet each second, not 9000"));
  EXPECT_EQ(report.rungs.size(), 7U);
}

TEST(TxWalk, what_costs_more_or_delays_packets_is_not_recommended) {
  EXPECT_EQ(suggest({rung(8, 9000), rung(64, 1000, 400'000'000), rung(8, 9000)}).suggested, std::nullopt);
  TxRung delayed = rung(64, 1000);
  delayed.polls = 1000 + 5000;  // as many packets in half as many bunches
  EXPECT_EQ(suggest({rung(8, 9000), delayed, rung(8, 9000)}).suggested, std::nullopt);
  EXPECT_EQ(suggest({rung(8, 9000), rung(64, 1000), rung(8, 9000)}, {.usecs = 50, .why = ""}).suggested,
            std::nullopt)
      << "beyond the bound";
}

TEST(TxWalk, a_driver_that_ignores_it_is_named) {
  const auto report = suggest({rung(8, 9000), rung(0, 9100), rung(64, 8900), rung(200, 9050), rung(8, 9000)});
  EXPECT_EQ(report.suggested, std::nullopt);
  EXPECT_THAT(report.why, HasSubstr("the driver mlx5_core takes tx-usecs and they have no effect"));
}

TEST(TxWalk, what_cannot_be_told_is_said) {
  std::vector<TxRung> rungs = {rung(8, 9000), rung(64, 1000), rung(8, 9000)};
  rungs[1].packets = 10'000;
  EXPECT_THAT(suggest(rungs).why, HasSubstr("the load changed"));
  rungs[1].packets = 10;
  EXPECT_THAT(suggest(rungs).why, HasSubstr("too little traffic"));
  EXPECT_THAT(suggest({rung(8, 900), rung(64, 100), rung(8, 900)}).why, HasSubstr("little to gain"));
}

}  // namespace
}  // namespace xdpfwd

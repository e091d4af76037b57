// SPDX-License-Identifier: BSD-2-Clause
// From two readings to what each queue did: which NAPI instance and interrupt is whose, and counters that
// start again.
#include <gtest/gtest.h>

#include "kernel/effect_counters.h"
#include "tuning/polls.h"

namespace xdpfwd {
namespace {

InterfaceName name(std::string_view text) {
  return *InterfaceName::parse(text);
}

TEST(Polls, each_queue_gets_its_own_counts) {
  const HostTuning host{.nics = {{.ifindex = 2, .name = name("eth0"), .queues = {{513, 40}, {514, 41}}}}};
  const EffectReading before{.time_ns = 1000,
                             .polls = {{2, 513, 100, {10, 20}}},
                             .delivered = {{2, 513, 9, 50, 1}},
                             .interrupts = {{40, 7}, {41, 8}, {99, 1}},
                             .queues = {{2, 0, 1000}, {2, 1, 10}},
                             .net_softirq_ns = 5,
                             .backlog_dropped = 1};
  const EffectReading after{.time_ns = 3000,
                            .polls = {{2, 513, 150, {11, 40}}, {2, 514, 6, {0, 0, 3}}},
                            .delivered = {{2, 513, 9, 60, 1}, {2, 514, 10, 6, 0}, {2, 514, 11, 0, 0}},
                            .interrupts = {{40, 17}, {41, 8}, {99, 1000}},
                            .queues = {{2, 0, 4}, {2, 1, 16}},
                            .net_softirq_ns = 25,
                            .backlog_dropped = 4};
  const PollsReport report = polls_between(before, after, host, {{9, "tap9"}});
  EXPECT_EQ(report.period_ns, 2000U);
  EXPECT_EQ(report.net_softirq_ns, 20U);
  EXPECT_EQ(report.backlog_dropped, 3U);
  ASSERT_EQ(report.queues.size(), 2U);
  EXPECT_EQ(report.queues[0], (QueueReport{"eth0", 0, 513, 50, {1, 20}, 10, 4}))
      << "a counter that is smaller than before began again";
  EXPECT_EQ(report.queues[1], (QueueReport{"eth0", 1, 514, 6, {0, 0, 3}, 0, 6}));
  ASSERT_EQ(report.delivered.size(), 2U);
  EXPECT_EQ(report.delivered[0], (DeliveryReport{"eth0", 0, 513, "tap9", 10, 0}));
  EXPECT_EQ(report.delivered[1], (DeliveryReport{"eth0", 1, 514, "ifindex 10", 6, 0}));
  const QueueReport sum = sum_of(report, "eth0");
  EXPECT_EQ(sum.packets, 56U);
  EXPECT_EQ(sum.polls(), 24U);
  EXPECT_EQ(sum.interrupts, 10U);
}

TEST(Polls, an_instance_whose_queue_nobody_tells_stands_alone) {
  HostTuning host{.nics = {{.ifindex = 2, .name = name("eth0"), .queues = {{}, {}}}}};
  const EffectReading after{.time_ns = 1, .polls = {{2, 7, 5, {0, 5}}}, .delivered = {{2, 7, 9, 5, 0}}};
  PollsReport report = polls_between({}, after, host, {});
  ASSERT_EQ(report.queues.size(), 3U);
  EXPECT_EQ(report.queues[2].queue, std::nullopt);
  EXPECT_EQ(report.queues[2].napi, 7U);
  EXPECT_EQ(report.delivered[0].queue, std::nullopt);
  EXPECT_EQ(report.queues[0].interrupts, std::nullopt);
  EXPECT_EQ(sum_of(report, "eth0").interrupts, std::nullopt);
  // With one queue there is no doubt.
  host.nics[0].queues = {{}};
  report = polls_between({}, after, host, {});
  ASSERT_EQ(report.queues.size(), 1U);
  EXPECT_EQ(report.queues[0].packets, 5U);
  EXPECT_EQ(report.delivered[0].queue, 0U);
}

TEST(EffectCounters, of_interrupts_softnet_and_drivers) {
  const auto counts = parse_interrupt_counts(
      "           CPU0       CPU1\n  24:        100         23   PCI-MSI 1 eth0-TxRx-0\n"
      " NMI:          1          2   Non-maskable interrupts\n 130:  7  0  IO-APIC  timer\n");
  ASSERT_EQ(counts.size(), 2U);
  EXPECT_EQ(counts[0], (InterruptCount{24, 123}));
  EXPECT_EQ(counts[1], (InterruptCount{130, 7}));
  const SoftnetCounts softnet =
      parse_softnet("00000aff 00000002 00000010 00000000 0\n00000001 00000001 0000000f 00000000 0\n");
  EXPECT_EQ(softnet.dropped, 3U);
  EXPECT_EQ(softnet.squeezed, 31U);
  EXPECT_EQ(queue_of_counter("rx_queue_3_packets"), 3U);      // igb, ixgbe
  EXPECT_EQ(queue_of_counter("rx12_packets"), 12U);           // mlx5
  EXPECT_EQ(queue_of_counter("rx-7.packets"), 7U);            // i40e
  EXPECT_EQ(queue_of_counter("rx_queue_0_xdp_packets"), 0U);  // veth
  for (const char* other : {"rx_packets", "tx_queue_3_packets", "rx_queue_3_bytes", "rx3_xdp_drop", "rx", ""})
    EXPECT_EQ(queue_of_counter(other), std::nullopt) << other;
}

}  // namespace
}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Answers of ethtool's netlink family, recorded from Linux 6.18, and what channels, rings and coalescing make
// of them.
#include <gtest/gtest.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>

#include "kernel/channels.h"
#include "kernel/coalescing.h"
#include "kernel/ethtool_family.h"
#include "support/recorded.h"

namespace xdpfwd {
namespace {

// A veth with 4 queues to receive and 2 to send; a tap, which has one combined and does not count it; a tap's
// coalescing.
const test::RecordedMessage kChannelsOfVeth(
    "4c0000001500000002000000101c00001201000018000180080001000300000009000200657468300000000008000200"
    "040000000800060004000000080003000200000008000700"
    "02000000");
const test::RecordedMessage kChannelsOfTap(
    "3c0000001500000002000000101c00001201000018000180080001000400000009000200746170300000000008000500"
    "010000000800090000000000");
const test::RecordedMessage kCoalescingOfTap(
    "340000001500000002000000101c00001401000018000180080001000400000009000200746170300000000008000300"
    "00000000");

TEST(EthtoolNumbers, ChannelsApart) {
  const Channels channels = channels_of(EthtoolNumbers::decode(kChannelsOfVeth.header()));
  EXPECT_EQ(channels.max, 2U);
  EXPECT_EQ(channels.receiving, 4U);
  EXPECT_EQ(channels.value, "rx 4 tx 2");
}

TEST(EthtoolNumbers, ChannelsCombined) {
  const Channels channels = channels_of(EthtoolNumbers::decode(kChannelsOfTap.header()));
  EXPECT_EQ(channels.max, 1U);
  EXPECT_EQ(channels.value, "0");
}

TEST(EthtoolNumbers, NothingIsSaidOfWhatIsNotThere) {
  const EthtoolNumbers none = EthtoolNumbers::decode(kChannelsOfTap.cut(sizeof(nlmsghdr)).header());
  EXPECT_EQ(channels_of(none).max, 0U);
  EXPECT_EQ(rings_of(none).max_rx, 0U);
  EXPECT_EQ(none.find(1000), std::nullopt);
}

TEST(EthtoolNumbers, CoalescingHasWhatTheDriverHas) {
  const Coalescing coalescing = coalescing_of(EthtoolNumbers::decode(kCoalescingOfTap.header()));
  EXPECT_EQ(text_in(coalescing, Knob::kRxFrames), "0");
  EXPECT_EQ(text_in(coalescing, Knob::kRxUsecs), std::nullopt);
  EXPECT_EQ(text_in(coalescing, Knob::kAdaptiveRx), std::nullopt);
  EXPECT_EQ(text_in(coalescing, Knob::kQdisc), std::nullopt);
}

TEST(EthtoolNumbers, CoalescingOfAQueue) {
  ethtool_coalesce queue{};
  queue.use_adaptive_rx_coalesce = 1;
  queue.tx_max_coalesced_frames = 32;
  const Coalescing coalescing = coalescing_of(queue);
  EXPECT_EQ(text_in(coalescing, Knob::kAdaptiveRx), "on");
  EXPECT_EQ(text_in(coalescing, Knob::kAdaptiveTx), "off");
  EXPECT_EQ(text_in(coalescing, Knob::kTxFrames), "32");
  EXPECT_EQ(text_in(coalescing, Knob::kTxUsecs), "0");
}

TEST(EthtoolNumbers, WhatIsCutOffIsNotRead) {
  for (uint32_t length = sizeof(nlmsghdr); length < kChannelsOfVeth.size(); ++length) {
    const Channels channels = channels_of(EthtoolNumbers::decode(kChannelsOfVeth.cut(length).header()));
    EXPECT_LE(channels.receiving, 4U);
  }
}

}  // namespace
}  // namespace xdpfwd

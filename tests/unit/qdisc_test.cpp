// SPDX-License-Identifier: BSD-2-Clause
// Qdiscs from messages recorded from Linux 6.18: what the kernel attached, what we set, what somebody
// configured.
#include "kernel/qdisc.h"

#include <gtest/gtest.h>

#include "support/recorded.h"

namespace xdpfwd {
namespace {

// Without options and statistics, which nobody reads.
const test::RecordedMessage kDefault(
    "340000002400020001000000101c0000000000000400000000000000ffffffff02000000"
    "0f000100706669666f5f666173740000");
const test::RecordedMessage kNoQueueOfOurs(
    "300000002400020001000000101c000000000000050000000000da82ffffffff02000000"
    "0c0001006e6f717565756500");
const test::RecordedMessage kNoQueueOfVeth(
    "300000002400020001000000101c0000000000000300000000000000ffffffff02000000"
    "0c0001006e6f717565756500");
const test::RecordedMessage kConfigured(
    "380000002400020001000000101c0000000000000600000000000100ffffffff02000000"
    "0a000100706669666f00000008000200e8030000");
const test::RecordedMessage kRootOfQueues(
    "2c0000002400020001000000101c0000000000000700000000000000ffffffff01000000"
    "070001006d710000");
const test::RecordedMessage kOfOneQueue(
    "340000002400020001000000101c000000000000070000000000000001000000"
    "010000000f000100706669666f5f666173740000");

std::string value_of(const test::RecordedMessage& message, uint32_t ifindex) {
  const auto qdisc = decode_qdisc(message.header());
  if (!qdisc) return "none";
  EXPECT_EQ(qdisc->ifindex, ifindex);
  return qdisc->value;
}

TEST(Qdisc, TheKernelsOwnHasNoHandle) {
  EXPECT_EQ(value_of(kDefault, 4), "pfifo_fast");
  EXPECT_EQ(value_of(kRootOfQueues, 7), "mq");
  EXPECT_EQ(value_of(kOfOneQueue, 7), "none") << "not at the root";
}

TEST(Qdisc, WhatSomebodyConfiguredHasOne) {
  EXPECT_EQ(value_of(kConfigured, 6), "pfifo 1:");
}

TEST(Qdisc, NoQueueIsNoQueueWithAHandleAndWithout) {
  EXPECT_EQ(value_of(kNoQueueOfOurs, 5), "noqueue");
  EXPECT_EQ(value_of(kNoQueueOfVeth, 3), "noqueue");
}

TEST(Qdisc, WhatIsCutOffIsNotDecoded) {
  for (uint32_t length = sizeof(nlmsghdr); length < kConfigured.size(); ++length) {
    const auto qdisc = decode_qdisc(kConfigured.cut(length).header());  // AddressSanitizer looks
    if (qdisc) {
      EXPECT_EQ(qdisc->value, "pfifo 1:") << length;
    }
  }
}

}  // namespace
}  // namespace xdpfwd

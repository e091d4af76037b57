// SPDX-License-Identifier: BSD-2-Clause
// Rules as ethtool's ioctl has them: ours as mlx5 wants them, and what others write, which must not read as
// ours.
#include "kernel/steering_rules.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/ethtool.h>

#include <cstring>

namespace xdpfwd {
namespace {

const SteeringRule kRule = SteeringRule::parse("52:54:00:00:00:01 queue 3").value();
const SteeringRule kVlanRule = SteeringRule::parse("52:54:00:00:00:01 vlan 100 queue 3").value();

void expect_foreign(const ethtool_rx_flow_spec& flow, const std::string& text) {
  EXPECT_EQ(text_of(flow), text);
  EXPECT_FALSE(SteeringRule::parse(text_of(flow)));
}

TEST(SteeringRules, AMac) {
  const auto flow = flow_of(kRule, 7);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->flow_type, uint32_t{ETHER_FLOW});
  EXPECT_EQ(flow->location, 7U);
  EXPECT_EQ(flow->ring_cookie, 3U);
  const unsigned char all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  EXPECT_EQ(std::memcmp(flow->m_u.ether_spec.h_dest, all, sizeof(all)), 0);
  EXPECT_EQ(flow->h_u.ether_spec.h_dest[5], 1);
  EXPECT_EQ(flow->m_u.ether_spec.h_proto, 0);
  EXPECT_EQ(text_of(*flow), "52:54:00:00:00:01 queue 3");
}

TEST(SteeringRules, AMacOnAVlanAsMlx5WantsIt) {
  const auto flow = flow_of(kVlanRule, 1023);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->flow_type, ETHER_FLOW | FLOW_EXT);
  EXPECT_EQ(flow->h_ext.vlan_tci, htons(100));
  EXPECT_EQ(flow->m_ext.vlan_tci, htons(0x0fff));
  EXPECT_EQ(flow->m_ext.vlan_etype, 0);
  EXPECT_EQ(text_of(*flow), "52:54:00:00:00:01 vlan 100 queue 3");
}

TEST(SteeringRules, TheDriverChooses) {
  EXPECT_EQ(flow_of(kRule, kWholeDevice)->location, RX_CLS_LOC_ANY);
}

TEST(SteeringRules, AServiceVlanCannotBe) {
  SteeringRule rule = kVlanRule;
  rule.vlan = VlanTag::make(100, VlanTag::Tpid::k8021ad).value();
  EXPECT_EQ(flow_of(rule, 1).error().code, EOPNOTSUPP);
}

TEST(SteeringRules, WhatOthersWrite) {
  ethtool_rx_flow_spec flow = *flow_of(kRule, 1);
  flow.flow_type = TCP_V4_FLOW;
  expect_foreign(flow, "flow-type tcp4 queue 3");
  flow.flow_type = 99;
  expect_foreign(flow, "flow-type 99 queue 3");

  flow = *flow_of(kRule, 1);
  flow.ring_cookie = RX_CLS_FLOW_DISC;
  expect_foreign(flow, "flow-type ether drop");
  flow.ring_cookie = 0x100000003;  // of the first virtual function
  expect_foreign(flow, "flow-type ether virtual function 0 queue 3");

  flow = *flow_of(kRule, 1);
  flow.m_u.ether_spec.h_source[0] = 0xff;
  expect_foreign(flow, "flow-type ether queue 3");
  flow = *flow_of(kRule, 1);
  flow.m_u.ether_spec.h_dest[5] = 0xf0;
  expect_foreign(flow, "flow-type ether queue 3");
  flow = *flow_of(kRule, 1);
  flow.m_u.ether_spec.h_proto = 0xffff;
  expect_foreign(flow, "flow-type ether queue 3");
  flow = *flow_of(kRule, 1);
  flow.flow_type |= FLOW_RSS;
  expect_foreign(flow, "flow-type ether spread from queue 3");
}

TEST(SteeringRules, VlansThatOthersWrite) {
  ethtool_rx_flow_spec flow = *flow_of(kVlanRule, 1);
  flow.m_ext.vlan_tci = htons(0xffff);  // with the priority
  expect_foreign(flow, "flow-type ether queue 3");
  flow = *flow_of(kVlanRule, 1);
  flow.m_ext.vlan_etype = 0xffff;
  expect_foreign(flow, "flow-type ether queue 3");
  flow = *flow_of(kVlanRule, 1);
  flow.h_ext.vlan_tci = 0;  // the VLAN 0: "untagged" is "any" in a rule of ours
  expect_foreign(flow, "flow-type ether queue 3");
  flow = *flow_of(kVlanRule, 1);
  flow.m_ext.vlan_tci = 0;  // the flag, and nothing behind it
  EXPECT_EQ(text_of(flow), "52:54:00:00:00:01 queue 3");
}

}  // namespace
}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The netlink decoder on messages recorded from a kernel (tests/fuzz/corpus/link), and, for bonds, on
// messages laid out by hand as drivers/net/bonding/bond_netlink.c does.
#include "kernel/link_decoder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/if_bonding.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <fstream>
#include <iterator>
#include <vector>

namespace xdpfwd {
namespace {

std::optional<DecodedLink> recorded(const std::string& name) {
  std::ifstream file(fmt::format("{}/fuzz/corpus/link/linux-6.18-{}.bin", XDPFWD_TESTS_DIR, name),
                     std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_GE(bytes.size(), sizeof(nlmsghdr)) << name;
  if (bytes.size() < sizeof(nlmsghdr)) return std::nullopt;
  return decode_link(*reinterpret_cast<const nlmsghdr*>(bytes.data()));
}

TEST(LinkDecoder, ATapWithAReader) {
  const auto decoded = recorded("tap0");
  ASSERT_TRUE(decoded);
  const Link& link = decoded->link;
  EXPECT_EQ(link.name.view(), "tap0");
  EXPECT_EQ(link.kind, LinkKind::kTap);
  EXPECT_EQ(link.kind_text, "tun");
  EXPECT_EQ(link.mtu, 1500U);
  EXPECT_TRUE(link.admin_up);
  EXPECT_TRUE(link.has_reader());
  EXPECT_FALSE(link.multi_queue);
  EXPECT_EQ(decoded->xdp, XdpAttached::kNone);
  EXPECT_EQ(decoded->tx_queue_len, 1000U);
  EXPECT_FALSE(decoded->packet_info);
}

TEST(LinkDecoder, ATapThatNobodyReads) {
  const auto decoded = recorded("tapidle");
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(decoded->link.admin_up);
  EXPECT_FALSE(decoded->link.has_reader());
}

TEST(LinkDecoder, QueuesOfAMultiQueueTap) {
  const auto read = recorded("tapmq");
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->link.multi_queue);
  EXPECT_EQ(read->link.queues, 1U);
  EXPECT_TRUE(read->link.has_reader());
  const auto idle = recorded("tapmqidle");
  ASSERT_TRUE(idle);
  EXPECT_TRUE(idle->link.multi_queue);
  EXPECT_EQ(idle->link.queues, 0U);
  EXPECT_FALSE(idle->link.has_reader());
}

TEST(LinkDecoder, ATunIsNoTap) {
  const auto decoded = recorded("tun0");
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->link.kind, LinkKind::kOther);
}

TEST(LinkDecoder, AnInterfaceInABridgeHasAMaster) {
  const auto member = recorded("veth1");
  const auto bridge = recorded("br0");
  ASSERT_TRUE(member && bridge);
  EXPECT_EQ(member->link.master, bridge->link.ifindex);
  EXPECT_FALSE(member->link.bond_member);
  EXPECT_EQ(member->link.kind_text, "veth");
}

// As the kernel lays out a member of a bond.
std::vector<char> bond_member_message(uint8_t state, uint8_t mii) {
  std::vector<char> bytes(1024);
  nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
  message->nlmsg_type = RTM_NEWLINK;
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  header->ifi_index = 7;
  mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
  mnl_attr_put_u32(message, IFLA_MASTER, 9);
  nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, "bond");
  nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_SLAVE_DATA);
  mnl_attr_put_u8(message, IFLA_BOND_SLAVE_STATE, state);
  mnl_attr_put_u8(message, IFLA_BOND_SLAVE_MII_STATUS, mii);
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, info);
  return bytes;
}

TEST(LinkDecoder, ABondMemberIsActiveWhenTheBondTakesItsFrames) {
  const auto decode = [](uint8_t state, uint8_t mii) {
    const std::vector<char> bytes = bond_member_message(state, mii);
    const auto decoded = decode_link(*reinterpret_cast<const nlmsghdr*>(bytes.data()));
    EXPECT_TRUE(decoded && decoded->link.bond_member && decoded->link.master == 9);
    return decoded && decoded->link.bond_active;
  };
  EXPECT_TRUE(decode(BOND_STATE_ACTIVE, BOND_LINK_UP));
  EXPECT_FALSE(decode(BOND_STATE_BACKUP, BOND_LINK_UP));
  EXPECT_FALSE(decode(BOND_STATE_ACTIVE, BOND_LINK_DOWN));
}

TEST(LinkDecoder, WhatIsCutOffIsNotDecoded) {
  std::vector<char> bytes = bond_member_message(BOND_STATE_ACTIVE, BOND_LINK_UP);
  auto* message = reinterpret_cast<nlmsghdr*>(bytes.data());
  const uint32_t whole = message->nlmsg_len;
  for (uint32_t length = sizeof(nlmsghdr); length < whole; ++length) {
    std::vector<char> cut(bytes.begin(), bytes.begin() + length);
    auto* header = reinterpret_cast<nlmsghdr*>(cut.data());
    header->nlmsg_len = length;
    const auto decoded = decode_link(*header);  // must not read on; AddressSanitizer looks
    if (decoded) {
      EXPECT_EQ(decoded->link.name.view(), "eth0");
    }
  }
}

}  // namespace
}  // namespace xdpfwd

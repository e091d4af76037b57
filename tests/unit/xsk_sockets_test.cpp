// SPDX-License-Identifier: BSD-2-Clause
// Answers about AF_XDP sockets, laid out as net/xdp/xsk_diag.c does, and the kernel's list of protocols.
#include "kernel/xsk_sockets.h"

#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <linux/xdp_diag.h>

namespace xdpfwd {
namespace {

std::vector<char> answer(uint32_t ifindex, uint32_t queue, std::optional<uint32_t> umem_flags) {
  std::vector<char> bytes(512);
  nlmsghdr* header = mnl_nlmsg_put_header(bytes.data());
  header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
  mnl_nlmsg_put_extra_header(header, sizeof(xdp_diag_msg));
  const xdp_diag_info info{.ifindex = ifindex, .queue_id = queue};
  mnl_attr_put(header, XDP_DIAG_INFO, sizeof(info), &info);
  if (umem_flags) {
    xdp_diag_umem umem{};
    umem.flags = *umem_flags;
    mnl_attr_put(header, XDP_DIAG_UMEM, sizeof(umem), &umem);
  }
  return bytes;
}

std::optional<XskSocket> decoded(const std::vector<char>& bytes) {
  return decode_xsk_socket(*reinterpret_cast<const nlmsghdr*>(bytes.data()));
}

TEST(XskSockets, AreDecoded) {
  EXPECT_EQ(decoded(answer(3, 5, XDP_DU_F_ZEROCOPY)), (XskSocket{3, 5, true}));
  EXPECT_EQ(decoded(answer(3, 5, 0)), (XskSocket{3, 5, false}));
  EXPECT_EQ(decoded(answer(3, 5, std::nullopt)), (XskSocket{3, 5, false}));
  EXPECT_FALSE(decoded(answer(0, 0, 0))) << "not bound";
  std::vector<char> other = answer(3, 5, 0);
  reinterpret_cast<nlmsghdr*>(other.data())->nlmsg_type = NLMSG_NOOP;
  EXPECT_FALSE(decoded(other));
}

TEST(XskSockets, AreCounted) {
  constexpr std::string_view kHead =
      "protocol  size sockets  memory press maxhdr  slab module     cl co di\n";
  EXPECT_EQ(
      count_xsk_sockets(std::string(kHead) + "PACKET    1472      2      -1   NI       0   no   kernel\n"
                                             "XDP       1088     12      -1   NI       0   no   kernel\n"),
      12);
  EXPECT_EQ(
      count_xsk_sockets(std::string(kHead) + "XDP       1088      0      -1   NI       0   no   kernel"), 0);
  EXPECT_EQ(count_xsk_sockets(kHead), 0) << "a kernel without AF_XDP";
  EXPECT_EQ(count_xsk_sockets(""), 0);
  EXPECT_EQ(count_xsk_sockets("XDP "), 0);
}

}  // namespace
}  // namespace xdpfwd

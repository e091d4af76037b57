// SPDX-License-Identifier: BSD-2-Clause
// The packet builder against bytes laid by hand: layouts from the RFCs, checksums summed on paper.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pktgen/packet.h"

namespace xdpfwd {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(PktgenPacket, UntaggedUdp) {
  const Bytes frame = (Ethernet{.dst = "52:54:00:00:00:01"_mac, .src = "02:00:00:00:00:fe"_mac} /
                       Ipv4{.src = {192, 0, 2, 1}, .dst = {198, 51, 100, 1}} /
                       Udp{.sport = 1000, .dport = 2000} / Payload{1, 2, 3})
                          .bytes();
  const Bytes golden = {0x52, 0x54, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0xfe,
                        0x08, 0x00,                                                              //
                        0x45, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x4e, 0x98,  //
                        0xc0, 0x00, 0x02, 0x01, 0xc6, 0x33, 0x64, 0x01,                          //
                        0x03, 0xe8, 0x07, 0xd0, 0x00, 0x0b, 0x03, 0xe8,                          //
                        0x01, 0x02, 0x03};
  EXPECT_EQ(frame, golden);
}

TEST(PktgenPacket, TagsNameTheirTpidInTheLayerBefore) {
  const Bytes frame = (Ethernet{.dst = kBroadcastMac} / Vlan{.vid = 100, .pcp = 3, .tpid = 0x88a8} /
                       Vlan{.vid = 4094, .pcp = 7, .dei = true} / Payload{0xaa})
                          .bytes();
  const Bytes after_macs(frame.begin() + 12, frame.end());
  EXPECT_EQ(after_macs, (Bytes{0x88, 0xa8, 0x60, 0x64, 0x81, 0x00, 0xff, 0xfe, 0x88, 0xb5, 0xaa}));
}

TEST(PktgenPacket, PadsTheFrameAndNotTheIpLength) {
  const Bytes frame = (Ethernet{} / Ipv4{} / Udp{} / Payload{7}).bytes(kMinimumFrame);
  ASSERT_EQ(frame.size(), 60U);
  EXPECT_EQ(frame[16] << 8 | frame[17], 29);
  EXPECT_THAT(Bytes(frame.begin() + 43, frame.end()), testing::Each(0));
}

TEST(PktgenPacket, AFieldThatIsSetIsNotDerived) {
  const Bytes frame =
      (Ethernet{.ethertype = 0x1234} / Ipv4{.total_length = 9, .checksum = 0xbeef} / Udp{.checksum = 0})
          .bytes();
  EXPECT_EQ(Bytes(frame.begin() + 12, frame.begin() + 18), (Bytes{0x12, 0x34, 0x45, 0x00, 0x00, 0x09}));
  EXPECT_EQ(Bytes(frame.begin() + 24, frame.begin() + 26), (Bytes{0xbe, 0xef}));
  EXPECT_EQ(Bytes(frame.begin() + 40, frame.begin() + 42), (Bytes{0x00, 0x00}));
}

// A receiver's check: the sum over pseudo header, header and payload, checksum included, is all ones.
TEST(PktgenPacket, UdpOverIpv6ChecksumVerifies) {
  const Bytes frame = (Ethernet{} / Ipv6{} / Udp{.sport = 5, .dport = 6} / Payload::of_size(33)).bytes();
  ASSERT_EQ(frame.size(), 14U + 40 + 8 + 33);
  EXPECT_EQ(frame[12] << 8 | frame[13], 0x86dd);
  uint32_t sum = 17 + 8 + 33;
  for (size_t i = 14 + 8; i < frame.size(); i += 2)
    sum += static_cast<uint32_t>(frame[i] << 8) + (i + 1 < frame.size() ? frame[i + 1] : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  EXPECT_EQ(sum, 0xffffU);
}

TEST(PktgenPacket, RawBytesStayAsTheyAre) {
  EXPECT_EQ(Packet(Raw{1, 2, 3}).bytes(), (Bytes{1, 2, 3}));
  const Bytes cut = (Ethernet{.ethertype = 0x8100} / Raw{0x00}).bytes();
  EXPECT_EQ(cut.size(), 15U);
  EXPECT_TRUE(Packet().bytes().empty());
}

TEST(PktgenPacket, PacketsCompose) {
  const Packet link = Ethernet{} / Vlan{.vid = 5};
  const Packet network = Ipv4{} / Udp{};
  EXPECT_EQ((link / network).bytes(), (Ethernet{} / Vlan{.vid = 5} / Ipv4{} / Udp{}).bytes());
}

}  // namespace
}  // namespace xdpfwd

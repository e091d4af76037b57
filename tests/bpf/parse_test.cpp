// SPDX-License-Identifier: BSD-2-Clause
// bpf/parse.h and bpf/rewrite.h by themselves, compiled natively as C++. Buffers are exactly as long as the
// functions may read, so that a sanitizer build sees a byte too many.
#include "bpf/parse.h"

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <memory>

#include "bpf/rewrite.h"
#include "pktgen/packet.h"

namespace xdpfwd::test {
namespace {

using Bytes = std::vector<uint8_t>;

// A copy with nothing behind it.
struct Exact {
  explicit Exact(const Bytes& bytes) : data(new uint8_t[bytes.size()]), end(data.get() + bytes.size()) {
    if (!bytes.empty()) std::memcpy(data.get(), bytes.data(), bytes.size());
  }
  std::unique_ptr<uint8_t[]> data;
  uint8_t* end;
};

Bytes first(Bytes bytes, size_t size) {
  bytes.resize(size);
  return bytes;
}

const Bytes kTagged = (Ethernet{} / Vlan{.vid = 0x123, .pcp = 5, .dei = true} / Ipv4{}).bytes();

TEST(Parse, NeedsFourteenBytesForAHeader) {
  for (size_t size = 0; size < 40; ++size) {
    const Exact frame(first(kTagged, size));
    EXPECT_EQ(xdpfwd_has_ethernet_header(frame.data.get(), frame.end), size >= 14) << size;
  }
}

TEST(Parse, FindsAWholeTagOnly) {
  for (size_t size = 14; size < 40; ++size) {
    const Exact frame(first(kTagged, size));
    xdpfwd_tag tag{};
    ASSERT_EQ(xdpfwd_parse_tag(frame.data.get(), frame.end, &tag), size >= 18) << size;
    if (size < 18) continue;
    EXPECT_EQ(tag.place, XDPFWD_TAG_IN_FRAME);
    EXPECT_EQ(tag.tpid, 0x8100);
    EXPECT_EQ(tag.tci, 0xb123);
  }
}

TEST(Parse, TakesTwoTpidsForTags) {
  for (uint32_t type = 0; type <= 0xffff; ++type) {
    Bytes bytes = first(kTagged, 18);
    bytes[12] = static_cast<uint8_t>(type >> 8);
    bytes[13] = static_cast<uint8_t>(type);
    const Exact frame(bytes);
    xdpfwd_tag tag{};
    ASSERT_TRUE(xdpfwd_parse_tag(frame.data.get(), frame.end, &tag));
    ASSERT_EQ(tag.place == XDPFWD_TAG_IN_FRAME, type == 0x8100 || type == 0x88a8) << type;
  }
}

TEST(Parse, AnUntaggedHeaderIsEnough) {
  const Exact frame(Packet(Ethernet{}).bytes());
  xdpfwd_tag tag{};
  ASSERT_TRUE(xdpfwd_parse_tag(frame.data.get(), frame.end, &tag));
  EXPECT_EQ(tag.place, XDPFWD_TAG_NONE);
  EXPECT_EQ(xdpfwd_key_vlan(&tag), 0);
}

TEST(Parse, KnowsTheSixteenReservedAddresses) {
  for (const uint64_t base :
       {0x0180c2000000ULL, 0x0080c2000000ULL, 0x0180c2000100ULL, 0x0180c3000000ULL, 0x0380c2000000ULL}) {
    for (uint64_t last = 0; last < 256; ++last) {
      const Exact frame(Packet(Ethernet{.dst = MacAddress::from_bits(base + last)}).bytes());
      ASSERT_EQ(xdpfwd_mac_is_reserved(xdpfwd_load_mac(frame.data.get())),
                base == 0x0180c2000000ULL && last < 16)
          << std::hex << base + last;
    }
  }
}

TEST(Parse, GroupIsOneBit) {
  for (unsigned bit = 0; bit < 48; ++bit) {
    const Exact frame(Packet(Ethernet{.dst = MacAddress::from_bits(uint64_t{1} << bit)}).bytes());
    ASSERT_EQ(xdpfwd_mac_is_group(xdpfwd_load_mac(frame.data.get())), bit == 40) << bit;
  }
}

TEST(Parse, TheKeyWordIsTheKey) {
  const MacAddress mac = "52:54:00:12:34:56"_mac;
  const Exact frame(Packet(Ethernet{.dst = mac, .src = mac}).bytes());
  for (const size_t at : {size_t{0}, size_t{6}}) {
    const uint64_t word = xdpfwd_key_word(xdpfwd_load_mac(frame.data.get() + at), 0x8abc);
    xdpfwd_fdb_key key{};
    static_assert(sizeof(key) == sizeof(word));
    std::memcpy(&key, &word, sizeof(key));
    EXPECT_EQ(std::memcmp(key.mac, mac.bytes().data(), 6), 0);
    EXPECT_EQ(key.vlan, 0x8abc);
  }
}

TEST(Parse, KeyVlanOfEveryTag) {
  for (const uint16_t tpid : std::initializer_list<uint16_t>{0x8100, 0x88a8, 0x9100, 0}) {
    for (uint32_t tci = 0; tci <= 0xffff; ++tci) {
      const xdpfwd_tag tag{XDPFWD_TAG_STRIPPED, tpid, static_cast<uint16_t>(tci)};
      const uint16_t vid = tci & 0xfff;
      const uint16_t bit = tpid == 0x8100 ? 0 : tpid == 0x88a8 ? XDPFWD_VLAN_8021AD : XDPFWD_VLAN_FOREIGN;
      ASSERT_EQ(xdpfwd_key_vlan(&tag), vid == 0 ? 0 : vid | bit) << tpid << " " << tci;
    }
  }
  // No row can have it.
  static_assert((XDPFWD_VLAN_FOREIGN & (XDPFWD_VLAN_ID_MASK | XDPFWD_VLAN_8021AD)) == 0);
}

TEST(Rewrite, PopMovesTheAddressesOverTheTag) {
  Exact frame(first(kTagged, 18));
  const uint32_t tag = xdpfwd_pop_tag(frame.data.get());
  const Bytes untagged = (Ethernet{} / Ipv4{}).bytes();
  EXPECT_EQ(std::memcmp(frame.data.get() + 4, untagged.data(), 14), 0);
  EXPECT_EQ(tag, xdpfwd_tag_bytes(0x8100, 0xb123));
}

TEST(Rewrite, PushUndoesPop) {
  Exact frame(first(kTagged, 16));
  const uint32_t tag = xdpfwd_pop_tag(frame.data.get());
  xdpfwd_push_tag(frame.data.get(), tag);
  EXPECT_EQ(std::memcmp(frame.data.get(), kTagged.data(), 16), 0);
}

TEST(Rewrite, PushPutsATagOn) {
  Bytes room(4, 0xee);
  const Bytes untagged = (Ethernet{} / Ipv4{}).bytes();
  room.insert(room.end(), untagged.begin(), untagged.begin() + 12);
  Exact frame(room);
  xdpfwd_push_tag(frame.data.get(), xdpfwd_tag_bytes(0x8100, 0xb123));
  EXPECT_EQ(std::memcmp(frame.data.get(), kTagged.data(), 16), 0);
}

}  // namespace
}  // namespace xdpfwd::test

// SPDX-License-Identifier: BSD-2-Clause
// The table's memory: against a map of the standard library, filled to the last row with the keys that hosts
// have, and taken over from another process.
#include "kernel/fdb_buckets.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace xdpfwd::test {
namespace {

FdbKey key(uint64_t mac, uint16_t vlan = 0) {
  return FdbKey::make(MacAddress::from_bits(mac), VlanTag::from_abi(vlan));
}

struct Memory {
  std::vector<xdpfwd_fdb_bucket> elements;
  explicit Memory(uint32_t capacity, uint64_t seed = 0x9d2c5681a4c1e3f7)
      : elements(FdbBuckets::elements(capacity)) {
    FdbBuckets::format(elements, capacity, seed);
  }
  FdbBuckets table() { return FdbBuckets::adopt(elements).value(); }
};

TEST(FdbBuckets, IsAMap) {
  Memory memory(500);
  FdbBuckets table = memory.table();
  std::map<FdbKey, FdbRow> expected;
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const FdbRow row{.key = key(0x525400000000 + random() % 600 + 1, static_cast<uint16_t>(random() % 3)),
                     .slot = static_cast<uint32_t>(random() % XDPFWD_MAX_PORTS),
                     .flags = random() % 2 != 0 ? uint32_t{XDPFWD_FDB_KEEP_TAG} : 0};
    if (random() % 3 == 0) {
      EXPECT_EQ(table.erase(row.key), expected.erase(row.key) == 1);
    } else {
      const bool room = expected.contains(row.key) || expected.size() < 500;
      EXPECT_EQ(table.set(row), room);
      if (room) expected[row.key] = row;
    }
  }
  std::vector<FdbRow> rows;
  for (const auto& [_, row] : expected) rows.push_back(row);
  EXPECT_EQ(table.rows(), rows);
  EXPECT_EQ(memory.table().rows(), rows) << "as another process finds it";
}

TEST(FdbBuckets, HoldsAsManyRowsAsItWasMadeForAndNoMore) {
  for (const uint32_t capacity : {1U, 4U, 1000U, 65'536U}) {
    Memory memory(capacity);
    FdbBuckets table = memory.table();
    for (uint32_t i = 0; i < capacity; ++i)
      ASSERT_TRUE(table.set({.key = key(0x525400000001 + i), .slot = 1})) << i << " of " << capacity;
    EXPECT_FALSE(table.set({.key = key(0x0a0000000000), .slot = 1}));
    EXPECT_TRUE(table.set({.key = key(0x525400000001), .slot = 2})) << "one that is there";
    EXPECT_TRUE(table.erase(key(0x525400000001)));
    EXPECT_TRUE(table.set({.key = key(0x0a0000000000), .slot = 1}));
    EXPECT_EQ(memory.table().rows().size(), capacity) << "counted anew";
  }
}

// MACs in a row, each on many VLANs; one MAC a vendor; and random ones: with any seed all find a place.
TEST(FdbBuckets, FillsUpWhateverTheKeysLookLike) {
  constexpr uint32_t kRows = 200'000;
  std::mt19937_64 random(2);
  for (int seed = 0; seed < 3; ++seed) {
    for (const auto& make : std::vector<std::function<FdbKey(uint32_t)>>{
             [](uint32_t i) { return key(0x525400000000 + i / 1000, static_cast<uint16_t>(1 + i % 1000)); },
             [](uint32_t i) { return key(static_cast<uint64_t>(i + 1) << 24); },
             [&](uint32_t /*i*/) { return key(random() & 0xfeffffffffff, 7); }}) {
      Memory memory(kRows, random());
      FdbBuckets table = memory.table();
      for (uint32_t i = 0; i < kRows; ++i)
        ASSERT_TRUE(table.set({.key = make(i), .slot = i % XDPFWD_MAX_PORTS})) << i;
    }
  }
}

TEST(FdbBuckets, AnErasedRowWaitsForAGracePeriod) {
  Memory memory(10);
  FdbBuckets table = memory.table();
  EXPECT_TRUE(table.awaits_grace()) << "who had it before may have erased one";
  table.grace_has_passed();
  EXPECT_FALSE(table.erase(key(1)));
  EXPECT_TRUE(table.set({.key = key(1), .slot = 1}));
  EXPECT_TRUE(table.set({.key = key(1), .slot = 2}));
  EXPECT_FALSE(table.awaits_grace());
  EXPECT_TRUE(table.erase(key(1)));
  EXPECT_TRUE(table.awaits_grace());
  for (const xdpfwd_fdb_bucket& bucket : std::span(memory.elements).first(table.buckets()))
    for (const xdpfwd_fdb_row& row : bucket.rows) EXPECT_TRUE(row.key == 0 && row.value == 0);
}

TEST(FdbBuckets, MemoryOfAnotherShapeIsNoTable) {
  std::vector<xdpfwd_fdb_bucket> zeros(1025);
  EXPECT_FALSE(FdbBuckets::adopt(zeros));
  EXPECT_FALSE(FdbBuckets::adopt(std::span(zeros).first(1)));
  Memory memory(2000);
  EXPECT_FALSE(FdbBuckets::adopt(std::span(memory.elements).first(1500)));
  EXPECT_TRUE(FdbBuckets::adopt(memory.elements));
}

}  // namespace
}  // namespace xdpfwd::test

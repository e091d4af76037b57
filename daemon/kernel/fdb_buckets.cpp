// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/fdb_buckets.h"

#include <algorithm>
#include <atomic>
#include <bit>

namespace xdpfwd {
namespace {

// With as many buckets as rows, a quarter of the places is taken at most, and a key finds both of its buckets
// full once in some thousand million. A table of few rows has more buckets than that, for luck is no help
// among few.
constexpr uint32_t kFewestBuckets = 1024;

uint64_t word_of(FdbKey key) {
  xdpfwd_fdb_key abi{};
  std::ranges::copy(key.mac().bytes(), abi.mac);
  abi.vlan = key.vlan().abi();
  return std::bit_cast<uint64_t>(abi);
}

FdbKey key_of(uint64_t word) {
  const auto abi = std::bit_cast<xdpfwd_fdb_key>(word);
  std::array<uint8_t, 6> mac{};
  std::ranges::copy(abi.mac, mac.begin());
  return FdbKey::make(MacAddress(mac), VlanTag::from_abi(abi.vlan));
}

// Programs read meanwhile: whole words, and in this order.
void store(__u64& where, uint64_t value) {
  static_assert(sizeof(__u64) == sizeof(unsigned long long));
  std::atomic_ref<__u64>(where).store(value, std::memory_order_release);
}

uint32_t taken(const xdpfwd_fdb_bucket& bucket) {
  return static_cast<uint32_t>(
      std::ranges::count_if(bucket.rows, [](const xdpfwd_fdb_row& row) { return row.key != 0; }));
}

}  // namespace

uint32_t FdbBuckets::elements(uint32_t capacity) {
  return std::max(capacity, kFewestBuckets) + 1;
}

void FdbBuckets::format(std::span<xdpfwd_fdb_bucket> memory, uint32_t capacity, uint64_t seed) {
  const xdpfwd_fdb_header header{
      .seed = seed | 1, .buckets = static_cast<uint32_t>(memory.size() - 1), .capacity = capacity};
  memory.back() = std::bit_cast<xdpfwd_fdb_bucket>(header);
}

std::optional<FdbBuckets> FdbBuckets::adopt(std::span<xdpfwd_fdb_bucket> memory) {
  if (memory.size() < 2) return std::nullopt;
  FdbBuckets table(memory);
  const xdpfwd_fdb_header& header = table.header();
  if (header.buckets != memory.size() - 1 || header.capacity == 0 || (header.seed & 1) == 0)
    return std::nullopt;
  for (const xdpfwd_fdb_bucket& bucket : memory.first(header.buckets)) table.count_ += taken(bucket);
  return table;
}

const xdpfwd_fdb_header& FdbBuckets::header() const {
  return reinterpret_cast<const xdpfwd_fdb_header&>(memory_.back());
}

xdpfwd_fdb_bucket& FdbBuckets::first_place(uint64_t key) const {
  return memory_[xdpfwd_fdb_first(xdpfwd_fdb_hash(key, seed()), buckets())];
}

xdpfwd_fdb_bucket& FdbBuckets::second_place(uint64_t key) const {
  return memory_[xdpfwd_fdb_second(xdpfwd_fdb_hash(key, seed()), buckets())];
}

xdpfwd_fdb_row* FdbBuckets::find(uint64_t key) const {
  for (xdpfwd_fdb_bucket* bucket : {&first_place(key), &second_place(key)})
    for (xdpfwd_fdb_row& row : bucket->rows)
      if (row.key == key) return &row;
  return nullptr;
}

bool FdbBuckets::set(const FdbRow& row) {
  const uint64_t key = word_of(row.key);
  const auto value = std::bit_cast<uint64_t>(
      xdpfwd_fdb_value{.slot = row.slot, .flags = row.flags | uint32_t{XDPFWD_FDB_TAKEN}});
  // A key of zeros would be a free row's.
  if (key == 0) return false;
  if (xdpfwd_fdb_row* there = find(key)) {
    store(there->value, value);
    return true;
  }
  if (count_ >= capacity()) return false;
  // The emptier of the two; most keys are then found in their first.
  xdpfwd_fdb_bucket* bucket = &first_place(key);
  if (xdpfwd_fdb_bucket& second = second_place(key); taken(second) < taken(*bucket)) bucket = &second;
  const auto free = std::ranges::find(bucket->rows, 0U, &xdpfwd_fdb_row::key);
  if (free == std::end(bucket->rows)) return false;
  store(free->value, value);
  store(free->key, key);
  ++count_;
  return true;
}

bool FdbBuckets::erase(FdbKey key) {
  const uint64_t word = word_of(key);
  xdpfwd_fdb_row* row = word != 0 ? find(word) : nullptr;
  if (!row) return false;
  store(row->key, 0);
  store(row->value, 0);
  --count_;
  awaits_grace_ = true;
  return true;
}

std::vector<FdbRow> FdbBuckets::rows() const {
  std::vector<FdbRow> rows;
  rows.reserve(count_);
  for (const xdpfwd_fdb_bucket& bucket : memory_.first(buckets()))
    for (const xdpfwd_fdb_row& row : bucket.rows) {
      if (row.key == 0) continue;
      const auto value = std::bit_cast<xdpfwd_fdb_value>(row.value);
      rows.push_back(
          {.key = key_of(row.key), .slot = value.slot, .flags = value.flags & ~uint32_t{XDPFWD_FDB_TAKEN}});
    }
  std::ranges::sort(rows, {}, &FdbRow::key);
  return rows;
}

}  // namespace xdpfwd

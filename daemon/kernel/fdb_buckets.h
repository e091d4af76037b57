// SPDX-License-Identifier: BSD-2-Clause
// The forwarding table as memory: where bpf/fdb.h looks for a row, this puts it. Whose memory that is, a
// map's or a test's, it does not know; it is the only one that writes there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/state.h"

namespace xdpfwd {

class FdbBuckets {
 public:
  // Elements that a table of so many rows takes, the header included.
  static uint32_t elements(uint32_t capacity);
  // Makes an empty table of memory that is all zero. `seed`: any number; it is made odd.
  static void format(std::span<xdpfwd_fdb_bucket> memory, uint32_t capacity, uint64_t seed);
  // A table that was formatted so: counts its rows. Nothing, if its header is not of a table of this size.
  static std::optional<FdbBuckets> adopt(std::span<xdpfwd_fdb_bucket> memory);

  [[nodiscard]] uint32_t capacity() const { return header().capacity; }
  [[nodiscard]] uint32_t buckets() const { return header().buckets; }
  [[nodiscard]] uint64_t seed() const { return header().seed; }

  // False: the table, or both places of the key, are full.
  bool set(const FdbRow& row);
  // False: there was no such row.
  bool erase(FdbKey key);
  [[nodiscard]] std::vector<FdbRow> rows() const;  // sorted by key

  // A program may still hold what it read of a row that was erased: set() must not be called for another key
  // before a grace period has passed. After adopt() that is so, too: somebody may have erased rows just
  // before.
  [[nodiscard]] bool awaits_grace() const { return awaits_grace_; }
  void grace_has_passed() { awaits_grace_ = false; }

 private:
  explicit FdbBuckets(std::span<xdpfwd_fdb_bucket> memory) : memory_(memory) {}
  [[nodiscard]] const xdpfwd_fdb_header& header() const;
  [[nodiscard]] xdpfwd_fdb_bucket& first_place(uint64_t key) const;
  [[nodiscard]] xdpfwd_fdb_bucket& second_place(uint64_t key) const;
  [[nodiscard]] xdpfwd_fdb_row* find(uint64_t key) const;

  std::span<xdpfwd_fdb_bucket> memory_;
  size_t count_ = 0;
  bool awaits_grace_ = true;
};

}  // namespace xdpfwd

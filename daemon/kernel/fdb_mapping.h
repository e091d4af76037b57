// SPDX-License-Identifier: BSD-2-Clause
// The forwarding table's map, mapped into our memory: a row is set by two stores, and all are read without a
// system call.
#pragma once

#include <optional>
#include <utility>

#include "base/result.h"
#include "kernel/fdb_buckets.h"

namespace xdpfwd {

class FdbMapping {
 public:
  FdbMapping() = default;
  // Of a new map with FdbBuckets::elements(capacity) elements: makes an empty table of it.
  static Result<FdbMapping> format(int map, uint32_t capacity, uint64_t seed);
  // Of a map that is a table already. EINVAL: it is none.
  static Result<FdbMapping> adopt(int map);

  FdbMapping(FdbMapping&& other) noexcept { *this = std::move(other); }
  FdbMapping& operator=(FdbMapping&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(buckets_, other.buckets_);
    return *this;
  }
  FdbMapping(const FdbMapping&) = delete;
  FdbMapping& operator=(const FdbMapping&) = delete;
  ~FdbMapping();

  explicit operator bool() const { return buckets_.has_value(); }
  FdbBuckets& operator*() { return *buckets_; }
  const FdbBuckets& operator*() const { return *buckets_; }
  FdbBuckets* operator->() { return &*buckets_; }
  const FdbBuckets* operator->() const { return &*buckets_; }

 private:
  static Result<FdbMapping> map(int map);
  std::span<xdpfwd_fdb_bucket> memory_;
  std::optional<FdbBuckets> buckets_;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/fdb_mapping.h"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace xdpfwd {
namespace {

size_t whole_pages(size_t bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

Result<FdbMapping> FdbMapping::map(int map) {
  bpf_map_info info{};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(map, &info, &length) < 0) return fail_errno("cannot look at the table", errno);
  FdbMapping mapping;
  const size_t bytes = whole_pages(info.max_entries * sizeof(xdpfwd_fdb_bucket));
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
  if (memory == MAP_FAILED) return fail_errno("cannot map the table into memory", errno);
  mapping.memory_ = {static_cast<xdpfwd_fdb_bucket*>(memory), info.max_entries};
  return mapping;
}

FdbMapping::~FdbMapping() {
  if (!memory_.empty()) munmap(memory_.data(), whole_pages(memory_.size_bytes()));
}

Result<FdbMapping> FdbMapping::format(int map, uint32_t capacity, uint64_t seed) {
  auto mapping = FdbMapping::map(map);
  if (!mapping) return mapping;
  FdbBuckets::format(mapping->memory_, capacity, seed);
  mapping->buckets_ = FdbBuckets::adopt(mapping->memory_);
  if (!mapping->buckets_) return fail("the new table has a wrong size", {}, EINVAL);
  // Nobody has read it yet.
  mapping->buckets_->grace_has_passed();
  return mapping;
}

Result<FdbMapping> FdbMapping::adopt(int map) {
  auto mapping = FdbMapping::map(map);
  if (!mapping) return mapping;
  mapping->buckets_ = FdbBuckets::adopt(mapping->memory_);
  if (!mapping->buckets_) return fail("the map is no forwarding table of this version", {}, EINVAL);
  return mapping;
}

}  // namespace xdpfwd

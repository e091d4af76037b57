// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/kernel_tables.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace xdpfwd::test {
namespace {

template <typename Key, typename Value>
Result<void> set(const bpf_map* map, const Key& key, const Value& value) {
  if (const int code = bpf_map_update_elem(bpf_map__fd(map), &key, &value, BPF_ANY); code < 0) {
    return fail_errno(fmt::format("update of {}", bpf_map__name(map)), -code);
  }
  return {};
}

// All rows of a per-CPU array, summed over CPUs word by word. Values are made of __u64 only.
template <typename Value>
Result<std::vector<Value>> sum_rows(const bpf_map* map, uint32_t rows) {
  const auto cpus = static_cast<size_t>(libbpf_num_possible_cpus());
  std::vector<Value> per_cpu(cpus * rows), sums(rows);
  std::vector<uint32_t> keys(rows);
  uint32_t count = rows, next = 0;
  if (const int code = bpf_map_lookup_batch(bpf_map__fd(map), nullptr, &next, keys.data(), per_cpu.data(),
                                            &count, nullptr);
      code < 0 && code != -ENOENT) {
    return fail_errno(fmt::format("read of {}", bpf_map__name(map)), -code);
  }
  if (count != rows) return fail(fmt::format("read of {}: {} rows of {}", bpf_map__name(map), count, rows));
  constexpr size_t kWords = sizeof(Value) / sizeof(uint64_t);
  for (size_t row = 0; row < rows; ++row) {
    auto* sum = reinterpret_cast<uint64_t*>(&sums[keys[row]]);
    for (size_t cpu = 0; cpu < cpus; ++cpu) {
      const auto* words = reinterpret_cast<const uint64_t*>(&per_cpu[row * cpus + cpu]);
      for (size_t word = 0; word < kWords; ++word) sum[word] += words[word];
    }
  }
  return sums;
}

}  // namespace

KernelTables::KernelTables(const bpf_object* object)
    : fdb_(bpf_object__find_map_by_name(object, "fdb")),
      devmap_(bpf_object__find_map_by_name(object, "devmap")),
      ports_(bpf_object__find_map_by_name(object, "ports")),
      port_stats_(bpf_object__find_map_by_name(object, "port_stats")),
      members_(bpf_object__find_map_by_name(object, "members")),
      member_stats_(bpf_object__find_map_by_name(object, "member_stats")) {}

Result<void> KernelTables::prepare() {
  for (uint32_t slot = 0; slot < XDPFWD_MAX_MEMBERS; ++slot) {
    xdpfwd_member other{};
    other.ifindex = slot + 1;
    other.flags = slot % 2 != 0 ? XDPFWD_MEMBER_DROP_REFLECTED : XDPFWD_MEMBER_ACTIVE;
    if (auto done = set(members_, slot, other); !done) return done;
  }
  return install(World{});
}

Result<void> KernelTables::install(const World& world) {
  if (!rows_) {
    // The size and the seed that the programs have unless they are told others.
    auto rows = FdbMapping::format(bpf_map__fd(fdb_), kTestTableRows, kTestTableSeed);
    if (!rows) return std::unexpected(rows.error());
    rows_ = std::move(*rows);
  }
  for (const auto& [key, row] : installed_.rows) rows_->erase(key);
  for (const uint32_t ifindex : installed_.devices) {
    if (const int code = bpf_map_delete_elem(bpf_map__fd(devmap_), &ifindex); code < 0) {
      return fail_errno("delete from devmap", -code);
    }
  }
  for (const auto& [slot, facts] : installed_.ports) {
    if (auto done = set(ports_, slot, xdpfwd_port{}); !done) return done;
  }
  installed_ = world;
  for (const uint32_t ifindex : world.devices) {
    if (auto done = set(devmap_, ifindex, ifindex); !done) return done;
  }
  for (const auto& [slot, facts] : world.ports) {
    xdpfwd_port port{};
    port.ifindex = facts.ifindex;
    port.max_len = facts.max_len;
    port.relearn_s = facts.relearn_s;
    if (auto done = set(ports_, slot, port); !done) return done;
  }
  for (const auto& [key, row] : world.rows) {
    if (!rows_->set({.key = key, .slot = row.slot, .flags = row.flags})) return fail("the table is full");
  }
  xdpfwd_member member{};
  member.ifindex = 1;
  member.flags = world.member_flags;
  return set(members_, kMemberSlot, member);
}

Result<Counters> KernelTables::counters() {
  auto members = sum_rows<xdpfwd_member_stats>(member_stats_, XDPFWD_MAX_MEMBERS);
  if (!members) return std::unexpected(members.error());
  auto ports = sum_rows<xdpfwd_port_stats>(port_stats_, XDPFWD_MAX_PORTS);
  if (!ports) return std::unexpected(ports.error());
  Counters counters;
  for (uint32_t slot = 0; slot < XDPFWD_MAX_MEMBERS; ++slot) {
    const xdpfwd_member_stats& stats = (*members)[slot];
    if (slot == kMemberSlot) {
      counters.member = stats;
    } else if (std::any_of(std::begin(stats.packets), std::end(stats.packets),
                           [](auto n) { return n != 0; })) {
      return fail(fmt::format("frames were counted for member slot {}, not {}", slot, kMemberSlot));
    }
  }
  for (uint32_t slot = 0; slot < XDPFWD_MAX_PORTS; ++slot) {
    const xdpfwd_port_stats& stats = (*ports)[slot];
    if (stats.packets != 0 || stats.bytes != 0) counters.ports[slot] = stats;
  }
  return counters;
}

Result<void> KernelTables::reset_counters() {
  const std::vector<xdpfwd_member_stats> zeros(static_cast<size_t>(libbpf_num_possible_cpus()));
  if (const int code = bpf_map_update_elem(bpf_map__fd(member_stats_), &kMemberSlot, zeros.data(), BPF_ANY);
      code < 0) {
    return fail_errno("member_stats", -code);
  }
  return {};
}

}  // namespace xdpfwd::test

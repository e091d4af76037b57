// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/kernel_engine.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cstring>

#include "uplink_stub.skel.h"

namespace xdpfwd::test {
namespace {

// What BPF_PROG_TEST_RUN puts into the first buffer: a page less the room before and the shared info behind.
constexpr size_t kTestRunFirstBuffer = 4096 - 256 - 320;
constexpr size_t kLargestFrame = 17 * 4096;
constexpr size_t kEthernetHeader = 14;

template <typename Key, typename Value>
Result<void> set(const bpf_map* map, const Key& key, const Value& value) {
  if (const int code = bpf_map_update_elem(bpf_map__fd(map), &key, &value, BPF_ANY); code < 0) {
    return fail_errno(fmt::format("update of {}", bpf_map__name(map)), -code);
  }
  return {};
}

xdpfwd_fdb_key to_abi(FdbKey key) {
  xdpfwd_fdb_key abi{};
  std::memcpy(abi.mac, key.mac().bytes().data(), sizeof(abi.mac));
  abi.vlan = key.vlan().abi();
  return abi;
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

// The test run splits long frames by itself; to split elsewhere it must be told.
bool splits_by_itself(const Input& input) {
  return input.linear() == std::min(input.frame.size(), kTestRunFirstBuffer - input.metadata);
}

}  // namespace

Result<std::unique_ptr<KernelEngine>> KernelEngine::load() {
  uplink_stub_bpf* object = uplink_stub_bpf::open(nullptr);
  if (!object) return fail_errno("uplink_stub: open", errno);
  std::unique_ptr<KernelEngine> engine(new KernelEngine(object));
  object->rodata->member_slot = kMemberSlot;
  if (const int code = uplink_stub_bpf::load(object); code < 0) return fail_errno("uplink_stub: load", -code);

  for (uint32_t slot = 0; slot < XDPFWD_MAX_MEMBERS; ++slot) {
    xdpfwd_member other{};
    other.ifindex = slot + 1;
    other.flags = slot % 2 != 0 ? XDPFWD_MEMBER_DROP_REFLECTED : XDPFWD_MEMBER_ACTIVE;
    if (auto done = set(object->maps.members, slot, other); !done) return std::unexpected(done.error());
  }
  if (auto done = engine->install(World{}); !done) return std::unexpected(done.error());

  // What this kernel's test run can do beyond 6.1's.
  const Counters before;
  Output output;
  const std::vector<uint8_t> frame(64, 0x02);
  engine->takes_first_buffer_ = true;
  engine->takes_first_buffer_ = engine->run({.frame = frame, .first_buffer = 20}, output).has_value();
  engine->max_metadata_ = kRoomBeforeFrame;
  if (!engine->run({.frame = frame, .metadata = kRoomBeforeFrame}, output)) engine->max_metadata_ = 32;
  const xdpfwd_member_stats zeros{};
  const std::vector<xdpfwd_member_stats> per_cpu(static_cast<size_t>(libbpf_num_possible_cpus()), zeros);
  const uint32_t slot = kMemberSlot;
  if (const int code =
          bpf_map_update_elem(bpf_map__fd(object->maps.member_stats), &slot, per_cpu.data(), BPF_ANY);
      code < 0) {
    return fail_errno("member_stats", -code);
  }
  return engine;
}

KernelEngine::~KernelEngine() {
  uplink_stub_bpf::destroy(object_);
}

Result<void> KernelEngine::install(const World& world) {
  const auto& maps = object_->maps;
  for (const auto& [key, row] : installed_.rows) {
    const xdpfwd_fdb_key abi = to_abi(key);
    if (const int code = bpf_map_delete_elem(bpf_map__fd(maps.fdb), &abi); code < 0) {
      return fail_errno("delete from fdb", -code);
    }
  }
  for (const uint32_t ifindex : installed_.devices) {
    if (const int code = bpf_map_delete_elem(bpf_map__fd(maps.devmap), &ifindex); code < 0) {
      return fail_errno("delete from devmap", -code);
    }
  }
  for (const auto& [slot, facts] : installed_.ports) {
    if (auto done = set(maps.ports, slot, xdpfwd_port{}); !done) return done;
  }
  installed_ = world;
  for (const uint32_t ifindex : world.devices) {
    if (auto done = set(maps.devmap, ifindex, ifindex); !done) return done;
  }
  for (const auto& [slot, facts] : world.ports) {
    xdpfwd_port port{};
    port.ifindex = facts.ifindex;
    port.max_len = facts.max_len;
    if (auto done = set(maps.ports, slot, port); !done) return done;
  }
  for (const auto& [key, row] : world.rows) {
    if (auto done = set(maps.fdb, to_abi(key), row); !done) return done;
  }
  xdpfwd_member member{};
  member.ifindex = 1;
  member.flags = world.member_flags;
  return set(maps.members, kMemberSlot, member);
}

bool KernelEngine::can_run(const Input& input) const {
  if (input.frame.size() < kEthernetHeader || input.frame.size() > kLargestFrame) return false;
  if (input.metadata > max_metadata_) return false;
  return splits_by_itself(input) ||
         (takes_first_buffer_ && input.linear() < kTestRunFirstBuffer - input.metadata);
}

Result<void> KernelEngine::run(const Input& input, Output& output) {
  auto& tag = object_->bss->stub_tag;
  tag.error = input.tag ? 0 : -ENODATA;
  if (input.tag) {
    tag.proto = static_cast<uint16_t>(input.tag->tpid << 8 | input.tag->tpid >> 8);
    tag.tci = input.tag->tci;
  }
  xdp_md context{};
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = input.frame.data();
  options.data_size_in = static_cast<uint32_t>(input.frame.size());
  if (input.metadata != 0) {
    in_.assign(input.metadata, 0xee);
    in_.insert(in_.end(), input.frame.begin(), input.frame.end());
    options.data_in = in_.data();
    options.data_size_in = static_cast<uint32_t>(in_.size());
  }
  if (input.metadata != 0 || !splits_by_itself(input)) {
    context.data = static_cast<uint32_t>(input.metadata);
    context.data_end = static_cast<uint32_t>(input.metadata + input.linear());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof(context);
  }
  out_.resize(input.frame.size() + input.metadata + 16);
  options.data_out = out_.data();
  options.data_size_out = static_cast<uint32_t>(out_.size());
  options.repeat = 1;
  const bpf_program* program =
      input.program == Program::kHint ? object_->progs.xdpfwd_uplink_hint : object_->progs.xdpfwd_uplink;
  if (const int code = bpf_prog_test_run_opts(bpf_program__fd(program), &options); code < 0) {
    return fail_errno(fmt::format("test run of {} bytes", input.frame.size()), -code);
  }
  if (options.data_size_out < input.metadata)
    return fail("test run: the frame came back without its metadata");
  output.verdict = options.retval;
  output.frame.assign(out_.begin() + static_cast<ptrdiff_t>(input.metadata),
                      out_.begin() + options.data_size_out);
  return {};
}

Result<Counters> KernelEngine::counters() {
  auto members = sum_rows<xdpfwd_member_stats>(object_->maps.member_stats, XDPFWD_MAX_MEMBERS);
  if (!members) return std::unexpected(members.error());
  auto ports = sum_rows<xdpfwd_port_stats>(object_->maps.port_stats, XDPFWD_MAX_PORTS);
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

}  // namespace xdpfwd::test

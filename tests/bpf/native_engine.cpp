// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/native_engine.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace xdpfwd::test {
namespace {

constexpr size_t kArenaSize = size_t{1} << 17;
constexpr size_t kGuardSize = size_t{1} << 16;  // a page, whatever the page size
constexpr size_t kLargestFrame = kArenaSize - 4096;
constexpr uintptr_t kArenaAddress = 0x40000000;  // struct xdp_md holds 32 bits of an address
constexpr uint32_t kNativeMemberSlot = 0;        // what member_slot is without a loader that sets it

// The tables that native_uplink.c asks for.
World* world_now = nullptr;
NativeClock* clock_now = nullptr;

}  // namespace

extern "C" int native_has_device(uint32_t ifindex) {
  return world_now->devices.contains(ifindex) ? 1 : 0;
}

extern "C" __u64* native_find_sender(__u64 key) {
  const auto at = clock_now->senders.find(key);
  return at == clock_now->senders.end() ? nullptr : &at->second;
}

extern "C" long native_set_sender(__u64 key, __u64 value) {
  if (clock_now->table_is_full) return -ENOMEM;
  clock_now->senders[key] = value;
  return 0;
}

extern "C" __u64 native_now_ns() {
  return clock_now->now_ns;
}

Result<std::unique_ptr<NativeEngine>> NativeEngine::load() {
  void* arena = mmap(reinterpret_cast<void*>(kArenaAddress), kArenaSize + kGuardSize, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (arena == MAP_FAILED) return fail_errno("mmap below 4 GiB", errno);
  std::unique_ptr<NativeEngine> engine(new NativeEngine(static_cast<uint8_t*>(arena)));
  if (mprotect(engine->arena_ + kArenaSize, kGuardSize, PROT_NONE) < 0) return fail_errno("mprotect", errno);
  FdbBuckets::format(engine->fdb_, kTestTableRows, kTestTableSeed);
  engine->rows_ = FdbBuckets::adopt(engine->fdb_);
  if (!engine->rows_) return fail("no table");
  engine->maps_->fdb = engine->fdb_.data();
  engine->maps_->fdb_elements = static_cast<uint32_t>(engine->fdb_.size());
  for (auto& member : engine->maps_->members) member.flags = XDPFWD_MEMBER_DROP_REFLECTED;
  return engine;
}

NativeEngine::~NativeEngine() {
  munmap(arena_, kArenaSize + kGuardSize);
}

bool NativeEngine::can_run(const Input& input) const {
  return input.frame.size() <= kLargestFrame && input.metadata <= kRoomBeforeFrame;
}

Result<void> NativeEngine::install(const World& world) {
  for (const auto& [slot, facts] : installed_.ports) maps_->ports[slot] = {};
  for (const auto& [key, row] : installed_.rows) rows_->erase(key);
  installed_ = world;
  for (const auto& [key, row] : world.rows) {
    if (!rows_->set({.key = key, .slot = row.slot, .flags = row.flags})) return fail("the table is full");
  }
  for (const auto& [slot, facts] : world.ports) {
    maps_->ports[slot].ifindex = facts.ifindex;
    maps_->ports[slot].max_len = facts.max_len;
    maps_->ports[slot].relearn_s = facts.relearn_s;
  }
  maps_->members[kNativeMemberSlot].flags = world.member_flags;
  return {};
}

// The first buffer's bytes lie at the very end of the arena, before the guard of unmapped memory: what the
// program reads behind data_end faults. The other buffers' bytes are not in its reach at all.
Result<void> NativeEngine::run(const Input& input, Output& output) {
  const size_t linear = input.linear();
  uint8_t* data = arena_ + kArenaSize - linear;
  if (linear > 0) std::memcpy(data, input.frame.data(), linear);
  const auto address = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(data));
  native_frame frame{
      .first_byte = address - static_cast<uint32_t>(kRoomBeforeFrame - input.metadata),
      .data = address,
      .data_end = address + static_cast<uint32_t>(linear),
      .other_buffers = static_cast<uint32_t>(input.frame.size() - linear),
  };
  native_tag tag{.error = -ENODATA, .proto = 0, .tci = 0};
  if (input.tag) {
    tag.error = 0;
    tag.proto = static_cast<uint16_t>(input.tag->tpid << 8 | input.tag->tpid >> 8);
    tag.tci = input.tag->tci;
  }
  world_now = &installed_;
  clock_now = &clock;
  output.verdict =
      static_cast<uint32_t>(native_run(maps_.get(), &frame, input.program == Program::kHint, &tag));
  const auto* begin = reinterpret_cast<const uint8_t*>(static_cast<uintptr_t>(frame.data));
  const auto* end = reinterpret_cast<const uint8_t*>(static_cast<uintptr_t>(frame.data_end));
  output.frame.assign(begin, end);
  output.frame.insert(output.frame.end(), input.frame.begin() + static_cast<ptrdiff_t>(linear),
                      input.frame.end());
  return {};
}

Result<Counters> NativeEngine::counters() {
  Counters counters;
  for (uint32_t slot = 0; slot < XDPFWD_MAX_MEMBERS; ++slot) {
    const xdpfwd_member_stats& stats = maps_->member_stats[slot];
    if (slot == kNativeMemberSlot) {
      counters.member = stats;
      continue;
    }
    for (const uint64_t packets : stats.packets) {
      if (packets != 0) return fail(fmt::format("frames were counted for member slot {}", slot));
    }
  }
  for (uint32_t slot = 0; slot < XDPFWD_MAX_PORTS; ++slot) {
    if (maps_->port_stats[slot].packets != 0) counters.ports[slot] = maps_->port_stats[slot];
  }
  return counters;
}

}  // namespace xdpfwd::test

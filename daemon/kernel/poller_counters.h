// SPDX-License-Identifier: BSD-2-Clause
// What a poller (xdpfwd-poller) tells: the layout of its file of counters, which it maps, and how others read
// it. The poller has few privileges, so nothing in its file is trusted. The layout is versioned; fields are
// only ever added at the end of a struct with a new version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xdpfwd {

inline constexpr char kPollerMagic[8] = {'x', 'd', 'p', 'f', 'w', 'p', 'o', 'l'};
inline constexpr uint32_t kPollerCountersVersion = 1;
inline constexpr uint32_t kPollerQueues = 16;

// The ways of polling, and what is done with a queue, as they are in the file.
enum class PollerHandle : uint32_t { kNone = 0, kIoUring = 1, kAfXdp = 2, kThreaded = 3 };
enum class PollerQueueState : uint32_t {
  kAbsent = 0,     // it has no NAPI instance: the NIC is down or gone
  kPolling = 1,    // it has its turns
  kBackedOff = 2,  // idle: the kernel's own interrupts and softirqs have it
};
std::string_view name_of(PollerHandle handle);
std::string_view name_of(PollerQueueState state);

struct PollerQueueCounters {
  char device[16];
  uint32_t queue;
  uint32_t napi;               // 0 = none now
  uint32_t state;              // PollerQueueState
  uint32_t handle;             // PollerHandle
  uint32_t defer_hard_irqs;    // as last seen
  uint32_t interrupts_masked;  // 1: the deferral is such that they are, between turns
  uint64_t flush_timeout_ns;
  uint64_t turns;
  uint64_t own_polls;      // by the poller
  uint64_t own_worked;     // of these, such that found packets
  uint64_t own_packets;    // that these found
  uint64_t other_polls;    // by softirqs, threads, other pollers
  uint64_t other_packets;  // that those found
  uint64_t backoffs;       // times it was left to interrupts
  uint64_t returns;        // times it was taken again
  uint64_t lookups;        // times that another NAPI instance was found
};

struct PollerCounters {
  char magic[8];
  uint32_t version;
  uint32_t size;  // of this struct
  uint32_t pid;
  uint32_t cpu;
  uint32_t queues;
  uint32_t reserved;
  uint64_t started_ns;    // CLOCK_MONOTONIC, as all times
  uint64_t heartbeat_ns;  // when it last wrote here: every 10 ms or so, 100 when it rests
  uint64_t sleeps;        // times it slept because it had nothing to poll
  uint64_t slept_ns;      // for so long in all
  PollerQueueCounters queue[kPollerQueues];
};
static_assert(sizeof(PollerQueueCounters) == 120 && sizeof(PollerCounters) == 64 + kPollerQueues * 120);

struct PollerReading {
  std::string name;
  bool running = false;    // its process lives
  uint64_t silent_ms = 0;  // since it last wrote: more than some 200, and it is stopped or starved
  PollerCounters counters{};
  [[nodiscard]] std::string device_of(size_t queue) const;  // "eth0"
};

// `folder`: /run/xdpfwd-poller/NAME. Code ENOENT: no poller of this name runs, or ever did.
Result<PollerReading> read_poller(const std::string& folder);
// All that are or were there, sorted by name. `root`: /run/xdpfwd-poller. What cannot be read is left out.
std::vector<PollerReading> read_pollers(const std::string& root);

}  // namespace xdpfwd

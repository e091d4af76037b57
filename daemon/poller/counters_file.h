// SPDX-License-Identifier: BSD-2-Clause
// All that a poller shares with anybody: a file of counters, mapped by the poller, readable by all. Locked
// while it runs. The layout is versioned; fields are only ever added at the end of a struct with a new
// version.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd::poller {

inline constexpr char kCountersMagic[8] = {'x', 'd', 'p', 'f', 'w', 'p', 'o', 'l'};
inline constexpr uint32_t kCountersVersion = 1;
inline constexpr uint32_t kCounterQueues = 16;

struct QueueCounters {
  char device[16];
  uint32_t queue;
  uint32_t napi;               // 0 = none now
  uint32_t state;              // QueueState
  uint32_t handle;             // HandleKind
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

struct Counters {
  char magic[8];
  uint32_t version;
  uint32_t size;  // of this struct
  uint32_t pid;
  uint32_t cpu;
  uint32_t queues;
  uint32_t reserved;
  uint64_t started_ns;    // CLOCK_MONOTONIC, as all times
  uint64_t heartbeat_ns;  // when it last wrote here: every 10 ms or so
  uint64_t sleeps;        // times it slept because it had nothing to poll
  uint64_t slept_ns;      // for so long in all
  QueueCounters queue[kCounterQueues];
};
static_assert(sizeof(QueueCounters) == 120 && sizeof(Counters) == 64 + kCounterQueues * 120);

class CountersFile {
 public:
  // Code EBUSY: a poller that runs has it.
  static Result<CountersFile> create(const std::string& folder);
  CountersFile(CountersFile&& other) noexcept;
  CountersFile& operator=(CountersFile&&) = delete;
  ~CountersFile();
  Counters& counters() { return *counters_; }

 private:
  CountersFile(UniqueFd file, std::string path, Counters* counters)
      : file_(std::move(file)), path_(std::move(path)), counters_(counters) {}
  UniqueFd file_;
  std::string path_;
  Counters* counters_;
};

// What a poller's file says, as JSON; also of one that has been killed ("running" is false then).
Result<std::string> read_status(const std::string& folder);

}  // namespace xdpfwd::poller

// SPDX-License-Identifier: BSD-2-Clause
// What NICs and CPUs have done up to one moment: NAPI's polls, interrupts, frames by queue and by tap. Counts
// only grow; two readings make a period (tuning/polls.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace xdpfwd {

// How many packets a poll took: 0, 1, 2, 3, then 4-7, 8-15, 16-31, 32-63, and 64 or more.
inline constexpr std::array<std::string_view, 9> kPollBuckets = {"0",    "1",     "2",     "3",  "4-7",
                                                                 "8-15", "16-31", "32-63", "64+"};

struct NapiCount {
  uint32_t ifindex = 0;
  uint32_t napi = 0;
  uint64_t packets = 0;
  std::array<uint64_t, kPollBuckets.size()> by_work{};  // polls
  bool operator==(const NapiCount&) const = default;
};

// Frames that one NAPI instance of a NIC handed to a tap.
struct DeliveryCount {
  uint32_t ifindex = 0;
  uint32_t napi = 0;
  uint32_t tap = 0;  // ifindex
  uint64_t taken = 0;
  uint64_t lost = 0;
  bool operator==(const DeliveryCount&) const = default;
};

struct InterruptCount {
  uint32_t irq = 0;
  uint64_t count = 0;
  bool operator==(const InterruptCount&) const = default;
};

// Frames that came in by a queue, as the driver counts them. Not all drivers do.
struct QueueCount {
  uint32_t ifindex = 0;
  uint32_t queue = 0;
  uint64_t packets = 0;
  bool operator==(const QueueCount&) const = default;
};

// Frames that a NIC was given to send, whoever gave them.
struct SentCount {
  uint32_t ifindex = 0;
  uint64_t packets = 0;
  bool operator==(const SentCount&) const = default;
};

struct EffectReading {
  uint64_t time_ns = 0;                    // CLOCK_MONOTONIC
  std::vector<NapiCount> polls;            // sorted by ifindex, napi; those that were polled
  std::vector<DeliveryCount> delivered;    // sorted by ifindex, napi, tap
  std::vector<InterruptCount> interrupts;  // sorted by irq
  std::vector<QueueCount> queues;          // sorted by ifindex, queue
  std::vector<SentCount> sent;             // sorted by ifindex
  uint64_t net_softirq_ns = 0;             // of all CPUs
  uint64_t uncounted = 0;                  // polls and deliveries that found no room
  uint64_t backlog_dropped = 0;            // softnet_stat: by the stack's backlog
  uint64_t budget_exhausted = 0;           // softnet_stat: softirqs that ended with work left
};

struct PollWork {
  uint64_t polls = 0;
  uint64_t packets = 0;  // that they took
  bool operator==(const PollWork&) const = default;
};

// Nanoseconds since the thread began, and what its NAPI instance was polled for.
struct ThreadTimes {
  uint64_t time_ns = 0;  // CLOCK_MONOTONIC; each its own, as whoever reads may have to wait between two
  uint64_t ran_ns = 0;
  uint64_t waited_ns = 0;             // it could have run, and something else did
  std::optional<PollWork> work = {};  // nothing: polls are not counted
  bool operator==(const ThreadTimes&) const = default;
};

}  // namespace xdpfwd

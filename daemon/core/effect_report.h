// SPDX-License-Identifier: BSD-2-Clause
// What the daemon and xdpctl tell of a period in which they watched, and of checks: plain values, as
// report.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/effect.h"

namespace xdpfwd {

// What one queue of a NIC did in a period.
struct QueueReport {
  std::string device;
  std::optional<uint32_t> queue;  // empty: nobody tells which queue this NAPI instance serves
  uint32_t napi = 0;              // its id; 0: not known, or not polled, and then the polls are none
  uint64_t packets = 0;           // that polls took
  std::array<uint64_t, kPollBuckets.size()> by_work{};  // polls
  std::optional<uint64_t> interrupts;                   // empty: not known
  std::optional<uint64_t> received;                     // packets as the driver counts them
  bool operator==(const QueueReport&) const = default;

  [[nodiscard]] uint64_t polls() const {
    uint64_t all = 0;
    for (const uint64_t some : by_work) all += some;
    return all;
  }
};

// Frames of a queue that went to a tap in a period.
struct DeliveryReport {
  std::string device;
  std::optional<uint32_t> queue;
  uint32_t napi = 0;
  std::string tap;
  uint64_t taken = 0;
  uint64_t lost = 0;
  bool operator==(const DeliveryReport&) const = default;
};

// Frames that a NIC sent in a period.
struct SentReport {
  std::string device;
  uint64_t packets = 0;
  bool operator==(const SentReport&) const = default;
};

// What the members did in a period.
struct PollsReport {
  uint64_t period_ns = 0;
  uint64_t net_softirq_ns = 0;  // of all CPUs, in receiving and sending softirqs
  std::vector<QueueReport> queues;
  std::vector<DeliveryReport> delivered;
  std::vector<SentReport> sent;
  uint64_t backlog_dropped = 0;   // by the stack
  uint64_t budget_exhausted = 0;  // softirqs that ended with work left
  uint64_t uncounted = 0;         // polls and deliveries: there were more rows than are kept
  bool operator==(const PollsReport&) const = default;
};

enum class Verdict { kPass, kWarn, kFail };

// The outcome of one check.
struct Finding {
  Verdict verdict = Verdict::kPass;
  std::string check;   // "rxvlan": the same word each time, for scripts
  std::string thing;   // "eth0", "host", "guest vm1"
  std::string what;    // a sentence
  std::string remedy;  // a command line, or what to do; may be empty
  bool operator==(const Finding&) const = default;
};

struct VerifyReport {
  std::vector<Finding> findings;
  PollsReport polls;
  bool operator==(const VerifyReport&) const = default;
};

// One value of tx-usecs, and what the NIC did with it.
struct TxRung {
  uint32_t usecs = 0;
  uint64_t period_ns = 0;
  uint64_t polls = 0;
  uint64_t zero_polls = 0;
  uint64_t packets = 0;
  uint64_t interrupts = 0;
  uint64_t net_softirq_ns = 0;
  bool operator==(const TxRung&) const = default;
};

struct SuggestReport {
  std::string device;
  uint32_t present = 0;  // microseconds; set again when this is told
  std::vector<TxRung> rungs;
  std::optional<uint32_t> suggested;  // empty: nothing better was seen
  std::string why;
  bool operator==(const SuggestReport&) const = default;
};

}  // namespace xdpfwd

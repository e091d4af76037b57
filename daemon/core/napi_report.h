// SPDX-License-Identifier: BSD-2-Clause
// What the daemon tells of NAPI: who runs each instance, where, and how much; plain values, as report.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xdpfwd {

// What a poller does with one.
struct PolledReport {
  std::string handle;        // "none", "io_uring", "af_xdp", "threaded"
  std::string state;         // "polling", "backed-off": idle, and left to interrupts
  uint64_t own_polls = 0;    // by the poller, since it started
  uint64_t other_polls = 0;  // by softirqs, threads, other pollers
  bool operator==(const PolledReport&) const = default;
};

struct NapiReport {
  std::string device;
  std::optional<uint32_t> queue;  // empty: nobody tells which queue it serves
  uint32_t napi = 0;              // its id
  std::string mode;               // as it is: "softirq", "deferred", "threaded", "busy-poll", or "auto"
  std::string cpus;               // of its thread or poller; empty: it has none
  std::optional<uint32_t> irq;    // empty: none that is known
  std::string irq_cpus;
  // Of the last interval, in thousandths of it; empty: not sampled.
  std::optional<uint32_t> ran;     // its thread ran
  std::optional<uint32_t> waited;  // its thread could have run, and something else did
  // A second, of the last interval; empty: not counted.
  std::optional<uint32_t> polls;
  std::optional<uint32_t> packets;       // that they took
  uint64_t moves = 0;                    // since the daemon started to pack it
  std::optional<PolledReport> polled{};  // empty: no poller has it
  bool operator==(const NapiReport&) const = default;
};

// Of mode auto.
struct PackingReport {
  uint32_t napis = 0;  // that are packed
  uint32_t cpus_allowed = 0;
  uint32_t cpus_used = 0;
  uint64_t moves = 0;   // since the daemon started
  std::string failure;  // what it could not do last, and could not since; empty: nothing
  bool operator==(const PackingReport&) const = default;
};

struct NapiStatusReport {
  std::string wanted;    // tuning.napi in force: "auto", "softirq, 0-1 threaded"
  bool by_hand = false;  // it was set over the socket, until the next reload or start
  bool held = false;     // tuning is applied
  std::vector<NapiReport> napis;
  PackingReport packing;
  bool operator==(const NapiStatusReport&) const = default;
};

}  // namespace xdpfwd

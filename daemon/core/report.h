// SPDX-License-Identifier: BSD-2-Clause
// What the daemon tells about itself: plain values, turned into JSON by protocol and into tables by xdpctl.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/sample.h"
#include "core/state.h"

namespace xdpfwd {

// Desired and observed differ: what, why, and when it is tried again.
struct Problem {
  std::string thing;                 // "guest vm1", "member eth0", "state file /var/lib/xdpfwd/guests.json"
  std::string why;                   // "tap tap7 does not exist"
  std::string remedy;                // may be empty
  std::optional<uint64_t> retry_ms;  // from now; empty: when the kernel reports a change
  bool waiting = false;              // nothing is wrong: the thing is not there yet, as a tap of a stopped VM
  bool operator==(const Problem&) const = default;
};

// Who keeps a NIC from filtering: nobody, xdpfwd, or others alone (a bridge, Open vSwitch, an operator).
enum class Promisc { kOff, kOurs, kOthers };

struct MemberReport {
  std::string name;
  uint32_t ifindex = 0;
  std::string bond;  // its bond, or empty
  bool attached = false;
  Flavour flavour = Flavour::kFrame;
  XdpMode mode = XdpMode::kNative;
  bool active = false;
  Promisc promisc = Promisc::kOff;
  std::array<uint64_t, XDPFWD_REASON_COUNT> packets{};
};

enum class PortState { kOpen, kMissing, kDown, kNoReader, kNotATap, kNoSlot, kPending };

struct PortReport {
  std::string name;
  PortState state = PortState::kMissing;
  uint32_t ifindex = 0;          // 0 = missing
  std::optional<uint32_t> slot;  // when it has one
  uint32_t mtu = 0;              // bytes
  uint32_t rows = 0;             // (VLAN, MAC) pairs that lead to it
  PortSample counters;
};

enum class GuestSource { kFile, kControl, kEphemeral };

struct GuestReport {
  Guest guest;
  GuestSource source = GuestSource::kFile;
  PortState port = PortState::kMissing;
};

struct FdbReport {
  FdbKey key;
  std::string port;
  std::string guest;
  bool keep_tag = false;
  bool installed = false;  // in the kernel's table now
};

struct StatusReport {
  std::string version;
  std::string state;  // "forwarding", "degraded", "detached"
  uint64_t uptime_ms = 0;
  uint64_t guests = 0;
  uint64_t rows_wanted = 0;
  uint64_t rows_installed = 0;
  uint32_t table_capacity = 0;
  uint32_t ports_wanted = 0;
  uint32_t ports_open = 0;
  std::vector<std::string> config_files;
  std::vector<MemberReport> members;
  std::vector<Problem> problems;
};

struct StatsReport {
  uint64_t time_ns = 0;  // CLOCK_MONOTONIC
  std::vector<MemberReport> members;
  std::vector<PortReport> ports;
};

// What a reload would change.
struct PlanReport {
  std::vector<std::string> actions;  // described, in order
  uint64_t rows_added = 0, rows_removed = 0, rows_changed = 0;
  std::vector<Problem> problems;
};

// A knob that is, or would be, changed.
struct TuningChange {
  std::string device;  // empty: the host
  std::string knob;    // "rx-usecs of queue 3"
  std::string from;    // empty: none, as of a rule that was not there
  std::string to;
  std::string reason;
  bool resets = false;  // the NIC is without link for a moment
  bool operator==(const TuningChange&) const = default;
};

// What is said about tuning, whoever asks for it.
struct TuningReport {
  TuningApply apply = TuningApply::kManual;
  bool held = false;  // what is wanted is set, and set again when something resets it
  // plan: what apply would do. apply and revert: what was done. status: what is not as it was before us.
  std::vector<TuningChange> changes;
  uint64_t waiting = 0;  // changes that come later: a NIC is being reset
  std::vector<Problem> problems;
  bool operator==(const TuningReport&) const = default;
};

}  // namespace xdpfwd

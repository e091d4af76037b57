// SPDX-License-Identifier: BSD-2-Clause
// What the packer is told about a host and its NAPIs, and what it answers. Who samples the loads, and who
// moves threads and interrupts, is for the caller.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace xdpfwd::packer {

inline constexpr int32_t kNoNode = -1;

struct CpuPlace {
  uint32_t cpu = 0;        // its number in the kernel
  int32_t node = kNoNode;  // NUMA
  uint32_t core = 0;       // SMT siblings have the same
};

// One NAPI in one control interval; times are shares of the interval.
struct NapiLoad {
  uint32_t napi = 0;              // its id
  uint32_t irq = 0;               // 0: none that is known
  int32_t node = kNoNode;         // of its NIC
  uint32_t cpu = 0;               // where it is
  float busy = 0;                 // its thread ran
  float waiting = 0;              // its thread could have run, and something else did
  std::vector<uint32_t> allowed;  // CPUs; empty: all
  bool measured = true;           // false: nothing is known of this interval but where it is
};

enum class MoveReason : uint8_t {
  kNotAllowed,   // it was on a CPU that it may not use, or that nobody knows
  kRelieve,      // its CPU is, or is about to be, over the mark
  kConsolidate,  // its CPU is not needed
  kLocality,     // a CPU of its NIC's node is free
};

// The thread and the interrupt go together: drivers leave the polling mode when they are on different CPUs.
struct Move {
  uint32_t napi = 0;
  uint32_t irq = 0;
  uint32_t from = 0;
  uint32_t to = 0;
  MoveReason reason = MoveReason::kRelieve;
};

// Percent of a CPU: where one that is filled to `target` is relieved, if nobody says otherwise.
constexpr double usual_mark(double target) {
  return std::min(target + 5, 100.0);
}

struct PackerSettings {
  float target = 0.90F;  // a CPU is filled to this
  float mark = 0.95F;    // and is relieved above this
  uint32_t calm = 5;     // intervals without a relief before CPUs are emptied again
  // What a NAPI may move: so many times at once, and then once in so many intervals. Half of it is kept for
  // relief.
  uint32_t moves_saved = 8;
  uint32_t move_every = 20;
  // In an interval, to save CPUs or to be nearer. Relief has no bound but each NAPI's own: frames wait.
  uint32_t most_moves = 16;
};

}  // namespace xdpfwd::packer

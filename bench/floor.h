// SPDX-License-Identifier: BSD-2-Clause
// The full path, cable to tap, against the bare redirect and against XDP_DROP: the same generator, the same
// cable, the same tap and reader, one after the other in turn.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {

struct FloorOptions {
  unsigned repetitions = 30;
  uint64_t frames = 30'000;     // of one run: fewer than kRingSlots, so that a slow reader loses nothing
  uint32_t fdb_entries = 1000;  // rows in the table
  unsigned rx_cpu = 1;          // of the reader
  unsigned tx_cpu = 0;          // of the generator
  std::function<void(const std::string&)> progress = [](const std::string&) {};
  // Of each round but the first: a contender's name, the round from 1 on, nanoseconds a frame.
  std::function<Result<void>(const std::string&, unsigned, double)> keep =
      [](const std::string&, unsigned, double) { return Result<void>{}; };
  std::function<bool()> interrupted = [] { return false; };  // asked before each round
};

struct FloorReport {
  // Nanoseconds from one frame to the next at full speed, generator included.
  Spread full_frame, full_hint, floor, drop;
  // Medians of the ratios of runs that stood side by side.
  Spread full_over_floor;       // tag in the frame
  Spread full_hint_over_floor;  // the flavour for tags in the descriptor, here with tags in the frame
  // The same without what generator and cable cost, by the XDP_DROP run beside them.
  Spread net_full_over_floor;
  uint64_t ring_full = 0;  // frames the reader was too slow for, in all runs of the full path and the floor
  uint64_t frames = 0;     // of all those runs
};

Result<FloorReport> run_floor(const FloorOptions& options);
std::string floor_text(const FloorReport& report);
std::string floor_json(const FloorReport& report);

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// Reports for people (several lines) and for programs (one line of JSON). The JSON keys are an interface:
// add, never rename.
#pragma once

#include <string>

#include "pktgen/drop_sink.h"
#include "pktgen/frame_checker.h"
#include "pktgen/loop.h"
#include "pktgen/sender.h"

namespace xdpfwd::pktgen {

std::string send_text(const SendReport& report, Backend backend);
std::string send_json(const SendReport& report, Backend backend);

// What a receiver knows by itself: a number that is missing below the highest one counts as lost.
struct SinkReport {
  ReceiveReport taps;
  ReceiveReport stack;
  double seconds = 0;

  [[nodiscard]] uint64_t lost() const;
  [[nodiscard]] bool clean() const;
};
std::string sink_text(const SinkReport& report);
std::string sink_json(const SinkReport& report);

// Of the sink that drops.
std::string drop_text(const drop_counts& counts);
std::string drop_json(const drop_counts& counts);

std::string loop_text(const LoopReport& report);
std::string loop_json(const LoopReport& report);

}  // namespace xdpfwd::pktgen

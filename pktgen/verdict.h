// SPDX-License-Identifier: BSD-2-Clause
// Brings together what was sent and what arrived: how many frames of a run were delivered, lost, or wrong,
// and whether all is well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pktgen/frame_checker.h"
#include "pktgen/sender.h"
#include "pktgen/stream.h"

namespace xdpfwd::pktgen {

struct Verdict {
  uint64_t sent = 0;       // frames that the devices took
  uint64_t delivered = 0;  // whole, at the right place, counted once; late ones, too
  uint64_t lost = 0;       // sent, and not delivered: a corrupted or misdelivered frame is lost as well
  uint64_t misdelivered = 0;
  uint64_t duplicated = 0;
  uint64_t reordered = 0;
  uint64_t corrupted = 0;
  uint64_t invented = 0;  // numbers that were never sent

  // Nothing lost, nothing wrong, and something sent.
  [[nodiscard]] bool clean() const {
    return sent > 0 && lost == 0 && misdelivered == 0 && duplicated == 0 && reordered == 0 &&
           corrupted == 0 && invented == 0;
  }
  [[nodiscard]] std::string text() const;
};

// Of one stream. A frame that its device refused after the sender had handed it over counts as missing here:
// the kernel does not tell whose it was. judge_run() knows their sum.
struct StreamVerdict {
  uint64_t handed_over = 0;
  uint64_t missing = 0;
  StreamTally received;
};
StreamVerdict judge_stream(const Stream& stream, uint64_t handed_over, const ReceiveReport& received);

Verdict judge_run(const StreamSet& streams, const SendReport& sent, const ReceiveReport& received);

// That something was sent, and that of the frames that were due none was refused, skipped, too late or left
// out.
bool all_sent(const SendReport& sent);

// Why devices refused frames, and what to do about it; empty when they did not.
std::string explain_refusals(const SendReport& sent);

}  // namespace xdpfwd::pktgen

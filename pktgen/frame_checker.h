// SPDX-License-Identifier: BSD-2-Clause
// Judges each frame that arrives: is it, byte for byte, the frame of a known stream, at the right place, for
// the first time, in order? Pure: bytes, place and time come in, counts come out. What was lost is known only
// with the sender's counts: see verdict.h.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pktgen/histogram.h"
#include "pktgen/sequence_window.h"
#include "pktgen/stream.h"

namespace xdpfwd::pktgen {

enum class Judgement { kCorrect, kReordered, kDuplicated, kMisdelivered, kCorrupted, kForeign };

// One stream as received. A frame is in exactly one of the first five.
struct StreamTally {
  uint64_t correct = 0;    // in order
  uint64_t reordered = 0;  // whole and in its place, but after a later one
  uint64_t duplicated = 0;
  uint64_t misdelivered = 0;    // at another tap
  uint64_t corrupted = 0;       // names this stream, and is not what the stream sends
  uint64_t next = 0;            // one more than the highest sequence number that arrived
  uint64_t longest_gap_ns = 0;  // between two frames that arrived in their place

  [[nodiscard]] uint64_t delivered() const { return correct + reordered; }
};

struct ReceiveReport {
  std::unordered_map<uint32_t, StreamTally> streams;  // by stream id
  uint64_t corrupted_unknown = 0;                     // from a source of ours, and no frame of a stream
  uint64_t foreign = 0;                               // from others: a host says many things on a link
  uint64_t missed = 0;   // frames the kernel dropped before the reader saw them, where it tells
  Histogram latency_ns;  // of frames delivered: from the stamp to the reader

  [[nodiscard]] StreamTally total() const;
  void merge(const ReceiveReport& other);
};

class FrameChecker {
 public:
  // At a tap frames must look as delivered; at the stack as sent.
  enum class Form { kDelivered, kSent };

  explicit FrameChecker(Form form) : form_(form) {}

  // From now on these streams are known.
  void expect(const StreamSet& set);
  // From now on a frame with a good stamp, of a stream that nobody announced, announces it: its head is taken
  // as right, and so is the place where it was seen first.
  void learn() { learning_ = true; }
  // A number for a tap's name, to be used with judge().
  uint32_t place(std::string_view tap);
  // With this the place of a stream is not looked at.
  static constexpr uint32_t kAnyPlace = UINT32_MAX;

  Judgement judge(uint32_t place, std::span<const uint8_t> frame, uint64_t now_ns);

  [[nodiscard]] ReceiveReport report() const;
  // Starts the histogram anew; the counts stay.
  void forget_latencies() { latency_ns_ = {}; }

 private:
  struct Known {
    Stream stream;
    uint32_t place = 0;
    StreamTally tally;
    SequenceWindow window;
    uint64_t last_ns = 0;
  };

  Known* find(uint32_t id);
  Known* learn_from(const StampPlace& stamp, uint32_t place, std::span<const uint8_t> frame);
  Judgement judge_unknown(std::span<const uint8_t> frame);

  Form form_;
  bool learning_ = false;
  std::vector<std::unique_ptr<Known>> known_;  // by id
  std::set<MacAddress> sources_;               // of the announced streams
  std::unordered_map<std::string, uint32_t> places_;
  uint64_t corrupted_unknown_ = 0;
  uint64_t foreign_ = 0;
  Histogram latency_ns_;
};

}  // namespace xdpfwd::pktgen

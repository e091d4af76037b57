// SPDX-License-Identifier: BSD-2-Clause
// The guests' side: reads all its taps in one thread, as VMs would, and judges every frame. Taps and streams
// may be added, and taps closed, while it runs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/result.h"
#include "base/unique_fd.h"
#include "pktgen/frame_checker.h"
#include "pktgen/tap.h"
#include "pktgen/task_queue.h"

namespace xdpfwd::pktgen {

struct TapReceiverOptions {
  std::optional<unsigned> cpu = {};  // where the reading thread runs
};

class TapReceiver {
 public:
  // Starts the reading thread; without taps it sleeps.
  static Result<std::unique_ptr<TapReceiver>> start(const TapReceiverOptions& options = {});
  ~TapReceiver();
  TapReceiver(const TapReceiver&) = delete;
  TapReceiver& operator=(const TapReceiver&) = delete;

  // Opens the tap, creating it when it is not there, and reads it from now on.
  Result<void> add_tap(const TapOptions& options);
  // Stops reading; a tap that only this process held is gone after that. What waited in it is lost.
  void remove_tap(const std::string& name);
  void expect(const StreamSet& streams);
  void learn();  // see FrameChecker::learn()

  // Of all frames read, of any kind.
  [[nodiscard]] uint64_t frames() const { return frames_.load(std::memory_order_relaxed); }
  // Returns when no frame has come for `quiet`, or after `at_most`. The taps are looked into each time, so
  // that a reader that is held up is not taken for silence.
  void wait_quiet(std::chrono::milliseconds quiet, std::chrono::milliseconds at_most);
  // The same, but returns at once when as many frames as `total` have been read since the start.
  void wait_for_frames(uint64_t total, std::chrono::milliseconds quiet, std::chrono::milliseconds at_most);
  [[nodiscard]] ReceiveReport report();
  void forget_latencies();
  // Reads what waits in the taps, and ends. The taps stay open until the destructor.
  void stop();

 private:
  TapReceiver() = default;
  void run();
  void drain();
  // Reads up to `budget` frames; false when the tap has no more.
  bool read_some(size_t slot, unsigned budget);

  struct Tap {
    UniqueFd fd;
    std::string name;
    uint32_t place = 0;
  };

  TaskQueue tasks_;
  UniqueFd epoll_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<uint64_t> frames_ = 0;
  // Owned by the thread.
  std::unordered_map<size_t, Tap> taps_;
  size_t next_slot_ = 1;
  FrameChecker checker_{FrameChecker::Form::kDelivered};
};

}  // namespace xdpfwd::pktgen

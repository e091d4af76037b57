// SPDX-License-Identifier: BSD-2-Clause
// A sender that makes its frames in user space: a thread that puts them when they are due, and the counts.
// How a frame gets to a device, and how to wait, is its back end's.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pktgen/pace.h"
#include "pktgen/sender.h"

namespace xdpfwd::pktgen {

class PacedSender : public Sender {
 public:
  Result<void> start() final;
  void stop() final { stopping_ = true; }
  Result<SendReport> wait() final;
  [[nodiscard]] bool finished() const final { return ended_; }
  [[nodiscard]] uint64_t frames_done() const final { return done_; }
  // Opens all devices.
  Result<void> prepare();

 protected:
  static constexpr size_t kBatch = 64;  // frames between two flushes
  // How long a device may have no room. Then its frames are skipped, as errors, until it takes one.
  static constexpr uint64_t kPatienceNs = 2'000'000'000;

  PacedSender(std::string thread_name, const StreamSet& streams, const SendOptions& options);
  // In the destructor of who derives: the thread calls what is overridden below.
  void end();

  enum class Put { kTaken, kLeftOut, kNoRoom };
  // The stream's next frame. No room: it is tried again after a flush. Both with the mutex held.
  virtual Put put(size_t stream_index) = 0;
  virtual void flush() = 0;
  // Nothing is due before `due_ns`; may return earlier. Both are monotonic times.
  virtual void wait_until(uint64_t due_ns, uint64_t now_ns) = 0;
  // In the thread, before the first frame and after the last.
  virtual void begin() {}
  virtual void drain() {}
  // Of a member, with the mutex held; without its name.
  [[nodiscard]] virtual DeviceReport device_report(size_t member) const = 0;
  // Frames in sent_ that no device took after all; with the mutex held.
  [[nodiscard]] virtual uint64_t refused() const { return 0; }

  // Of a device that has no room now, and has had none since then; 0: it had room the last time.
  static bool has_patience(uint64_t& full_since_ns) {
    const uint64_t now = monotonic_ns();
    if (full_since_ns == 0) full_since_ns = now;
    return now - full_since_ns < kPatienceNs;
  }
  [[nodiscard]] bool going_on() const { return !stopping_ && monotonic_ns() < end_ns_; }
  [[nodiscard]] uint64_t end_ns() const { return end_ns_; }

  const StreamSet streams_;
  const SendOptions options_;
  mutable std::mutex mutex_;                 // guards the devices, which set_device() changes
  std::vector<std::atomic<uint64_t>> sent_;  // by stream
  std::atomic<uint64_t> last_ns_ = 0;        // when the last frame was taken

 private:
  void run();
  [[nodiscard]] SendReport report() const;
  const std::string thread_name_;
  Pace pace_;
  Arrivals arrivals_;
  std::atomic<uint64_t> done_ = 0;
  std::atomic<uint64_t> left_out_ = 0;
  std::atomic<uint64_t> unsent_ = 0;
  std::atomic<uint64_t> start_ns_ = 0;
  uint64_t end_ns_ = UINT64_MAX;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> time_up_ = false;  // the duration has ended the run
  std::atomic<bool> ended_ = false;
  std::thread runner_;
};

}  // namespace xdpfwd::pktgen

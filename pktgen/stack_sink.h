// SPDX-License-Identifier: BSD-2-Clause
// What reached the host's stack: listens on the members, after XDP and before everything else, and judges
// every frame as sent. A frame that was redirected into a tap is not seen here.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "pktgen/frame_checker.h"
#include "pktgen/task_queue.h"

namespace xdpfwd::pktgen {

class StackSink {
 public:
  // Listens on `devices` of `netns` ("" is the caller's) in a thread of its own.
  static Result<std::unique_ptr<StackSink>> start(const std::vector<std::string>& devices,
                                                  const std::string& netns);
  ~StackSink();
  StackSink(const StackSink&) = delete;
  StackSink& operator=(const StackSink&) = delete;

  Result<void> add_device(const std::string& device, const std::string& netns);
  void expect(const StreamSet& streams);
  void learn();  // see FrameChecker::learn()
  [[nodiscard]] uint64_t frames() const { return frames_.load(std::memory_order_relaxed); }
  // Here `missed` says how many frames came faster than they were read.
  [[nodiscard]] ReceiveReport report();
  void stop();

 private:
  StackSink() = default;
  void run();
  void read_some(int fd, unsigned budget);

  TaskQueue tasks_;
  UniqueFd epoll_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<uint64_t> frames_ = 0;
  // Owned by the thread.
  std::vector<UniqueFd> sockets_;
  uint64_t missed_ = 0;
  FrameChecker checker_{FrameChecker::Form::kSent};
};

}  // namespace xdpfwd::pktgen

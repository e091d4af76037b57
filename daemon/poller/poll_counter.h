// SPDX-License-Identifier: BSD-2-Clause
// The counting program (bpf/poller.bpf.c) and its variables, mapped: what polls found, whoever made them.
// Loading it needs CAP_BPF and CAP_PERFMON; afterwards nothing does.
#pragma once

#include <memory>

#include "base/result.h"
#include "bpf/poller_abi.h"

struct poller_bpf;

namespace xdpfwd::poller {

class PollCounter {
 public:
  // Counts as its own what the calling thread polls.
  static Result<PollCounter> load();
  // The instance that serves a queue; 0 = none.
  void watch(size_t queue, uint32_t napi);
  void begin_turn(size_t queue);
  // Of all queues that io_uring polls.
  void begin_shared_turn();
  void end_turn();
  [[nodiscard]] xdpfwd_poller_row row(size_t queue) const;
  // That were taken from the queue, by whomever.
  [[nodiscard]] uint64_t frames(size_t queue) const;

 private:
  struct Destroy {
    void operator()(poller_bpf* skeleton) const;
  };
  explicit PollCounter(poller_bpf* skeleton) : skeleton_(skeleton) {}
  std::unique_ptr<poller_bpf, Destroy> skeleton_;
};

}  // namespace xdpfwd::poller

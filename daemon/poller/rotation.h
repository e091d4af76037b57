// SPDX-License-Identifier: BSD-2-Clause
// Whose turn it is, and which queues are left to interrupts because they are idle. Pure: time and counts are
// given to it; polling and sleeping are its caller's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernel/poller_counters.h"

namespace xdpfwd::poller {

using QueueState = PollerQueueState;

class Rotation {
 public:
  using Nanoseconds = std::chrono::nanoseconds;
  // Without frames for `idle`, a queue is backed off; 0 = never. All queues begin absent.
  Rotation(size_t queues, Nanoseconds idle) : idle_(idle), queues_(queues) {}

  // A queue that comes has its turns at once.
  void set_present(size_t queue, bool present, Nanoseconds now);
  // The kernel polls it without end: it has no turns, and cannot be left to interrupts.
  void polls_itself(size_t queue) { queues_[queue].polls_itself = true; }
  // One turn is for all queues that share theirs: next() names the first of them.
  void shares_turns(size_t queue) { queues_[queue].shares = true; }
  // How many frames whoever polls it has taken from the queue since the beginning.
  void counted(size_t queue, uint64_t frames, Nanoseconds now);
  // The queue that is next; none: no queue has turns at the moment.
  std::optional<size_t> next();
  // One queue at most has turns, alone or with others: nobody waits for its end.
  [[nodiscard]] bool alone() const;
  // A queue has been left to interrupts: whether it has work again is to be looked at.
  [[nodiscard]] bool any_backed_off() const;

  [[nodiscard]] QueueState state(size_t queue) const { return queues_[queue].state; }
  [[nodiscard]] uint64_t backoffs(size_t queue) const { return queues_[queue].backoffs; }
  [[nodiscard]] uint64_t returns(size_t queue) const { return queues_[queue].returns; }

 private:
  struct Queue {
    [[nodiscard]] bool has_turns() const { return state == QueueState::kPolling && !polls_itself; }
    QueueState state = QueueState::kAbsent;
    bool polls_itself = false;
    bool shares = false;
    uint64_t frames = 0;
    Nanoseconds last_work{0};
    uint64_t backoffs = 0;
    uint64_t returns = 0;
  };
  // The first of those that share turns; the number of queues when there is none.
  [[nodiscard]] size_t first_sharing() const;
  Nanoseconds idle_;
  std::vector<Queue> queues_;
  size_t next_ = 0;
};

}  // namespace xdpfwd::poller

// SPDX-License-Identifier: BSD-2-Clause
#include "poller/rotation.h"

#include <algorithm>

namespace xdpfwd::poller {

void Rotation::set_present(size_t index, bool present, Nanoseconds now) {
  Queue& queue = queues_[index];
  if (!present) {
    queue.state = QueueState::kAbsent;
  } else if (queue.state == QueueState::kAbsent) {
    queue.state = QueueState::kPolling;
    queue.last_work = now;
  }
}

void Rotation::counted(size_t index, uint64_t frames, Nanoseconds now) {
  Queue& queue = queues_[index];
  if (queue.polls_itself) return;
  const bool worked = frames != queue.frames;
  queue.frames = frames;
  if (worked) queue.last_work = now;
  if (queue.state == QueueState::kBackedOff && worked) {
    queue.state = QueueState::kPolling;
    ++queue.returns;
  } else if (queue.state == QueueState::kPolling && idle_ > Nanoseconds(0) &&
             now - queue.last_work >= idle_) {
    queue.state = QueueState::kBackedOff;
    ++queue.backoffs;
  }
}

size_t Rotation::first_sharing() const {
  const auto first =
      std::ranges::find_if(queues_, [](const Queue& queue) { return queue.shares && queue.has_turns(); });
  return static_cast<size_t>(first - queues_.begin());
}

std::optional<size_t> Rotation::next() {
  const size_t sharing = first_sharing();
  for (size_t i = 0; i < queues_.size(); ++i) {
    const size_t candidate = (next_ + i) % queues_.size();
    if (!queues_[candidate].has_turns() || (queues_[candidate].shares && candidate != sharing)) continue;
    next_ = candidate + 1;
    return candidate;
  }
  return std::nullopt;
}

bool Rotation::alone() const {
  return std::ranges::count_if(queues_, &Queue::has_turns) <= 1;
}

bool Rotation::any_backed_off() const {
  return std::ranges::find(queues_, QueueState::kBackedOff, &Queue::state) != queues_.end();
}

}  // namespace xdpfwd::poller

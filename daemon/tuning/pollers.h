// SPDX-License-Identifier: BSD-2-Clause
// Which pollers (xdpfwd-poller) there have to be: one for each CPU that has queues in mode busy-poll, with
// its queues of all members. Which CPU a queue has is choose_cpus()'s to say; that they run, shell/'s.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/setting.h"
#include "tuning/remark.h"
#include "tuning/undo_log.h"

namespace xdpfwd {

struct Poller {
  struct Queue {
    InterfaceName device;
    uint32_t number = 0;
    auto operator<=>(const Queue&) const = default;
  };
  uint32_t cpu = 0;
  uint32_t period_us = 0;  // how long a queue's turn is
  std::optional<uint32_t> idle_ms =
      {};                     // until an idle queue is left to interrupts; 0 = never; nothing: its own
  std::vector<Queue> queues;  // by number, then by name; not empty

  // "cpu3": of its unit and its file.
  [[nodiscard]] std::string name() const;
  // What its file says, as xdpfwd-poller(8) reads it.
  [[nodiscard]] std::string configuration() const;
  bool operator==(const Poller&) const = default;
};

struct PollerChoice {
  std::vector<Poller> pollers;  // by CPU
  NapiWish napi;                // as wished, but deferred where no poller can have the queue
};

// Of any queue.
bool wants_polling(const NapiWish& wish);

// `cpus`: of the queues, as choose_cpus() says; empty: they stay where the interrupts are. `unpolled`
// (sorted): queues whose poller said that nothing here polls for it.
PollerChoice choose_pollers(const TuningSettings& tuning, const HostTuning& members,
                            const std::vector<uint32_t>& cpus, const std::vector<uint32_t>& unpolled,
                            const UndoLog& log, std::vector<Remark>& remarks);

}  // namespace xdpfwd

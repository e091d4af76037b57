// SPDX-License-Identifier: BSD-2-Clause
// Watches NICs for a while, between two calls of the daemon's loop. The watch ends with the measurement: when
// it is over, or when nobody wants it any more.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/control.h"
#include "kernel/kernel.h"

namespace xdpfwd {

struct Measured {
  PollsReport polls;
  HostTuning host;  // when it ended
};

class Measurement {
 public:
  struct Question {
    TuningScope scope;                     // its NICs are watched
    std::map<uint32_t, std::string> taps;  // names by ifindex
    uint64_t period_ms = 0;
  };
  // `kernel` must outlive it.
  static Result<std::unique_ptr<Measurement>> begin(Kernel& kernel, Question question);

  // The period begins with the first call: to begin to watch takes a while itself.
  Result<std::variant<NotYet, Measured>> advance(uint64_t now_ms);

 private:
  Measurement(Kernel& kernel, Question question) : kernel_(kernel), question_(std::move(question)) {}

  Kernel& kernel_;
  Question question_;
  std::optional<uint64_t> ends_ms_;
  std::unique_ptr<EffectWatch> watch_;
  EffectReading before_;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Ctrl-C, SIGTERM and a terminal that goes, as something to wait for, in this thread, as long as this exists:
// for a command that has something to write when it is ended early. What is ignored (nohup) stays so. A
// signal that is not waited for comes when this has gone.
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>

namespace xdpfwd {

class EndingSignals {
 public:
  EndingSignals();
  ~EndingSignals();
  EndingSignals(const EndingSignals&) = delete;
  EndingSignals& operator=(const EndingSignals&) = delete;

  // Until then, or until the signal that it returns.
  [[nodiscard]] std::optional<int> wait_until(std::chrono::steady_clock::time_point then) const;

 private:
  sigset_t signals_;
  sigset_t before_;
};

}  // namespace xdpfwd

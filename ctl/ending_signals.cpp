// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/ending_signals.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace xdpfwd {

EndingSignals::EndingSignals() {
  ::sigemptyset(&signals_);
  // Blocked, also an ignored one would be kept for who waits.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    if (struct sigaction now{}; ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)
      ::sigaddset(&signals_, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

EndingSignals::~EndingSignals() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> EndingSignals::wait_until(std::chrono::steady_clock::time_point then) const {
  for (;;) {
    const auto left = std::max<std::chrono::nanoseconds>(then - std::chrono::steady_clock::now(), {});
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec time{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    if (const int signal = ::sigtimedwait(&signals_, nullptr, &time); signal > 0) return signal;
    if (errno != EINTR) return std::nullopt;  // a stop and a continuation interrupt it
  }
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace xdpfwd::pktgen {

Interrupt::Interrupt() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  fd_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool Interrupt::arrived() {
  signalfd_siginfo info{};
  if (!arrived_ && ::read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
    arrived_ = true;
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  }
  return arrived_;
}

bool Interrupt::wait(int fd, std::chrono::milliseconds at_most) {
  if (arrived()) return false;
  pollfd events[] = {{fd_.get(), POLLIN, 0}, {fd, POLLIN, 0}};
  (void)::poll(events, fd >= 0 ? 2 : 1, static_cast<int>(at_most.count()));
  return fd >= 0 && events[1].revents != 0;
}

}  // namespace xdpfwd::pktgen

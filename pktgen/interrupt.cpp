// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace xdpfwd::pktgen {

namespace {

sigset_t signals_of_an_end() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  // Of a lost terminal, unless nohup said not to care.
  struct sigaction hangup{};
  if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
    ::sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t signals = signals_of_an_end();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  fd_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool Interrupt::arrived() {
  signalfd_siginfo info{};
  if (!arrived_ && ::read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
    arrived_ = true;
    const sigset_t signals = signals_of_an_end();
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

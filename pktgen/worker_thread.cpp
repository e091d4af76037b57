// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/worker_thread.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <future>
#include <mutex>

namespace xdpfwd::pktgen {

Result<std::thread> start_worker(const std::string& name, std::optional<unsigned> cpu,
                                 std::function<void()> body) {
  if (cpu) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
      return fail_errno("reading the CPUs allowed", errno);
    if (*cpu >= CPU_SETSIZE || !CPU_ISSET(*cpu, &allowed))
      return fail(fmt::format("CPU {} is not one that this process may use", *cpu),
                  "'taskset -p $$' shows which ones are");
  }
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // a thread inherits the mask
  // The thread moves itself before it does anything: what it sends first, it sends from there, too. And the
  // caller waits for that: whom it starts next may keep the thread from ever leaving the CPU it began on.
  std::promise<void> in_place;
  const std::future<void> is_in_place = in_place.get_future();
  std::thread worker([cpu, in_place = std::move(in_place), body = std::move(body)]() mutable {
    if (cpu) {
      cpu_set_t only;
      CPU_ZERO(&only);
      CPU_SET(*cpu, &only);
      ::pthread_setaffinity_np(::pthread_self(), sizeof(only), &only);
    }
    in_place.set_value();
    body();
  });
  is_in_place.wait();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(worker.native_handle(), name.substr(0, 15).c_str());
  return worker;
}

Result<void> go_before_others() {
  const sched_param lowest{.sched_priority = 1};
  if (const int error = ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &lowest); error != 0)
    return fail_errno("going before the usual threads", error, "run as root, or with CAP_SYS_NICE");
  return {};
}

void accept_wake_up() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    ::sigaction(SIGURG, &action, nullptr);  // without SA_RESTART
  });
  sigset_t urgent;
  ::sigemptyset(&urgent);
  ::sigaddset(&urgent, SIGURG);
  ::pthread_sigmask(SIG_UNBLOCK, &urgent, nullptr);
}

void wake_up(std::thread& worker) {
  ::pthread_kill(worker.native_handle(), SIGURG);
}

}  // namespace xdpfwd::pktgen

// SPDX-License-Identifier: BSD-2-Clause
#include "poller/thread_handle.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sched.h>

#include <cerrno>

namespace xdpfwd::poller {

ThreadHandle::~ThreadHandle() {
  // What cannot be put back now stays noted.
  if (napi_ != 0) (void)changes_.undo(lookup_, napi_, NapiValue::kThreaded);
}

uint64_t ThreadHandle::needed_capabilities() const {
  return uint64_t{1} << CAP_NET_ADMIN | uint64_t{1} << CAP_SYS_NICE;
}

Result<void> ThreadHandle::aim(const NapiPlace& place) {
  napi_ = place.napi;
  const auto busy_poll = static_cast<uint64_t>(Threaded::kBusyPoll);
  if (auto set = changes_.set(lookup_, place, NapiValue::kThreaded, busy_poll); !set)
    return fail_in("threads that busy-poll, of Linux 6.19 and later", set.error());
  const auto instance = lookup_.find(place.ifindex, place.queue);
  if (!instance) return std::unexpected(instance.error());
  thread_ = instance->thread;
  if (instance->thread == 0) return fail(fmt::format("NAPI instance {} has no thread", place.napi));
  // Any CPU, also beyond the 1024 of a cpu_set_t.
  cpu_set_t* cpus = CPU_ALLOC(cpu_ + 1);
  const size_t size = CPU_ALLOC_SIZE(cpu_ + 1);
  CPU_ZERO_S(size, cpus);
  CPU_SET_S(cpu_, size, cpus);
  const int result = sched_setaffinity(static_cast<pid_t>(instance->thread), size, cpus);
  const int error = errno;
  CPU_FREE(cpus);
  if (result < 0)
    return fail_errno(fmt::format("the thread {} of NAPI instance {} cannot run on CPU {}", instance->thread,
                                  place.napi, cpu_),
                      error, "it needs CAP_SYS_NICE");
  return {};
}

}  // namespace xdpfwd::poller

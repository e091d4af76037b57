// SPDX-License-Identifier: BSD-2-Clause
#include "poller/thread_handle.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sched.h>

#include <cerrno>

namespace xdpfwd::poller {

ThreadHandle::~ThreadHandle() {
  // Whoever set it to a thread before the poller came has to set it again.
  if (napi_ != 0) (void)lookup_.set_threaded(napi_, Threaded::kOff);
}

uint64_t ThreadHandle::needed_capabilities() const {
  return uint64_t{1} << CAP_NET_ADMIN | uint64_t{1} << CAP_SYS_NICE;
}

Result<void> ThreadHandle::aim(const NapiPlace& place) {
  if (auto set = lookup_.set_threaded(place.napi, Threaded::kBusyPoll); !set)
    return fail_in("threads that busy-poll, of Linux 6.19 and later", set.error());
  napi_ = place.napi;
  const auto instance = lookup_.find(place.ifindex, place.queue);
  if (!instance) return std::unexpected(instance.error());
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

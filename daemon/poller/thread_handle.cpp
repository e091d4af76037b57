// SPDX-License-Identifier: BSD-2-Clause
#include "poller/thread_handle.h"

#include <fmt/format.h>
#include <linux/capability.h>

#include <cerrno>

#include "kernel/change_thread.h"
#include "poller/own_cpu.h"

namespace xdpfwd::poller {

ThreadHandle::~ThreadHandle() {
  // What cannot be put back now stays noted.
  if (napi_ != 0) (void)changes_.undo(lookup_, napi_, NapiValue::kThreaded);
}

uint64_t ThreadHandle::needed_capabilities() const {
  return uint64_t{1} << CAP_NET_ADMIN | uint64_t{1} << CAP_SYS_NICE;
}

Result<void> ThreadHandle::aim(const NapiPlace& place) {
  // The old one's thread would poll without end. On a NIC that is down it does not, and it stays noted.
  if (napi_ != 0 && napi_ != place.napi)
    if (auto undone = changes_.undo(lookup_, napi_, NapiValue::kThreaded);
        !undone && undone.error().code != ENETDOWN)
      return fail_in(fmt::format("putting back NAPI instance {}", napi_), undone.error());
  napi_ = place.napi;
  const auto busy_poll = static_cast<uint64_t>(Threaded::kBusyPoll);
  if (auto set = changes_.set(lookup_, place, NapiValue::kThreaded, busy_poll); !set)
    return fail_in("threads that busy-poll, of Linux 6.19 and later", set.error());
  const auto thread = [&]() -> Result<pid_t> {
    const auto instance = lookup_.find(place.ifindex, place.queue);
    if (!instance) return std::unexpected(instance.error());
    return instance->id == place.napi ? static_cast<pid_t>(instance->thread) : 0;
  };
  const auto now = thread();
  if (!now) return std::unexpected(now.error());
  if (*now == 0) return fail(fmt::format("NAPI instance {} has no thread", place.napi));
  thread_ = static_cast<uint32_t>(*now);
  const auto moved = change_thread(*now, thread, [&](pid_t number) { return set_cpu(number, cpu_); });
  if (!moved) return fail_in(fmt::format("the thread of NAPI instance {}", place.napi), moved.error());
  return {};
}

}  // namespace xdpfwd::poller

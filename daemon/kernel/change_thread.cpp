// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/change_thread.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace xdpfwd {
namespace {

constexpr const char* kRemedy = "look again: a reset makes others";

// A descriptor of a process can be read when that has ended.
bool has_ended(const UniqueFd& process) {
  pollfd end{.fd = process.get(), .events = POLLIN, .revents = 0};
  return ::poll(&end, 1, 0) != 0;
}

}  // namespace

Result<void> change_thread(pid_t thread, const std::function<Result<pid_t>()>& ask,
                           const std::function<Result<void>(pid_t)>& change) {
  // Of a thread that is not the first of its process, as those of NAPI are, there is none.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, thread, 0)));
  if (!process) return fail_errno(fmt::format("thread {} of NAPI", thread), errno, kRemedy);
  const auto now = ask();
  if (!now) return std::unexpected(now.error());
  if (*now != thread || has_ended(process))
    return fail(fmt::format("the NAPI instance of thread {} has another one by now", thread), kRemedy, ESRCH);
  auto changed = change(thread);
  if (has_ended(process))
    return fail(fmt::format("thread {} of NAPI ended: whoever is process {} now may have been changed",
                            thread, thread),
                kRemedy, ESRCH);
  return changed;
}

}  // namespace xdpfwd

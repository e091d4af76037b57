// SPDX-License-Identifier: BSD-2-Clause
// Where a kernel thread runs, and how it is scheduled.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "core/napi_wish.h"

namespace xdpfwd {

// A CPU list: "0-3,8". ESRCH: there is no such thread any more.
Result<std::string> read_thread_cpus(pid_t thread);
Result<void> set_thread_cpus(pid_t thread, std::string_view cpus);

Result<ThreadSchedule> read_thread_schedule(pid_t thread);
// EPERM: without CAP_SYS_NICE no thread can be made more important.
Result<void> set_thread_schedule(pid_t thread, const ThreadSchedule& schedule);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// A thread is known by its number, which is another process's once it has ended. So nothing of a thread is
// changed by a number alone.
#pragma once

#include <sys/types.h>

#include <functional>

#include "base/result.h"

namespace xdpfwd {

// `thread` is what `ask` told once; it is asked again when nobody else can get the number unseen. ESRCH:
// `ask` tells another one now, or it has ended, which may have been during the change: that is told.
Result<void> change_thread(pid_t thread, const std::function<Result<pid_t>()>& ask,
                           const std::function<Result<void>(pid_t)>& change);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// How the threads of senders and receivers are started: with a name, on a CPU if asked, and blind to signals,
// so that Ctrl-C reaches the thread that waits for it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"

namespace xdpfwd::pktgen {

// The name is cut to 15 characters. A CPU that does not exist, or that this process may not use, is an error.
Result<std::thread> start_worker(const std::string& name, std::optional<unsigned> cpu,
                                 std::function<void()> body);

// In a worker: from now on it goes before all usual threads of its CPU.
Result<void> go_before_others();

// In a worker: lets the wake-up signal interrupt system calls. Its handler does nothing.
void accept_wake_up();
// Sends that signal to a worker. It is SIGURG, which is harmless wherever it ends up.
void wake_up(std::thread& worker);

}  // namespace xdpfwd::pktgen

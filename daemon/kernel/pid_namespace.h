// SPDX-License-Identifier: BSD-2-Clause
// Numbers of processes and threads that the kernel tells, in netlink or to a BPF program, are the first PID
// namespace's. In another one they mean nobody, or somebody else.
#pragma once

#include <string>

namespace xdpfwd {

// `proc`: where /proc is.
bool in_first_pid_namespace(const std::string& proc);

}  // namespace xdpfwd

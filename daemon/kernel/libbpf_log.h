// SPDX-License-Identifier: BSD-2-Clause
// libbpf explains failures on a global print callback only. This keeps the last lines, so that they can be
// put into the Error of the call that failed.
#pragma once

#include <string>

namespace xdpfwd {

// From now on libbpf prints nothing; call once before using it.
void capture_libbpf_log();
// Forgets what was kept.
void clear_libbpf_log();
// The last line that says something, without libbpf's prefix; empty if there is none.
std::string last_libbpf_line();

}  // namespace xdpfwd

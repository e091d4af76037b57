// SPDX-License-Identifier: BSD-2-Clause
// Where a benchmark runs: network and mount namespaces of this process's own, with a BPF filesystem, cables
// and taps. Nothing of it outlives the process.
#pragma once

#include <string>

#include "base/result.h"

namespace xdpfwd::bench {

// Enters new namespaces, once. The folder of the BPF filesystem.
Result<std::string> enter_stage();
// Runs a command by sh; its output is in the error.
Result<void> run(const std::string& command);
// Two cabled interfaces, up.
Result<void> add_cable(const std::string& name, const std::string& peer);

}  // namespace xdpfwd::bench

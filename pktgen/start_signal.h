// SPDX-License-Identifier: BSD-2-Clause
// How a script and the loop find each other: the loop says that its taps are open by writing a file, and goes
// on when another file appears or a line comes on its standard input.
#pragma once

#include <string>

#include "base/result.h"
#include "pktgen/interrupt.h"

namespace xdpfwd::pktgen {

// Creates the file in one step, so that nobody sees half of it.
Result<void> announce_ready(const std::string& path);
// Returns when the file exists, or on Ctrl-C.
Result<void> wait_for_file(const std::string& path, Interrupt& interrupt);
// Returns on a line, at the end of the input, or on Ctrl-C.
void wait_for_line(Interrupt& interrupt);

}  // namespace xdpfwd::pktgen

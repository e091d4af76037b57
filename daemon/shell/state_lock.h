// SPDX-License-Identifier: BSD-2-Clause
// One daemon for a state directory: two would each take the other's changes for somebody else's.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd {

// Holds the directory until it is closed, however the process ends. It is made if need be; where it cannot be
// made or opened, nothing is held, as nothing can be kept there either. Fails where another daemon holds it.
Result<UniqueFd> lock_state(const std::string& state_dir);

}  // namespace xdpfwd

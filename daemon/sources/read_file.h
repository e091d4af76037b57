// SPDX-License-Identifier: BSD-2-Clause
// Reads a whole regular file, up to a limit, without ever blocking on something that is not a file.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace xdpfwd {

// Enough for a million guests; more is a mistake, and would be taken into memory.
inline constexpr size_t kLargestFile = 256UL << 20;

// The error's code tells a missing file (ENOENT) from others.
Result<std::string> read_file(const std::string& path, size_t largest = kLargestFile);

}  // namespace xdpfwd

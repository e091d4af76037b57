// SPDX-License-Identifier: BSD-2-Clause
// Files of /proc and /sys: short texts, read whole and up to a limit, and values written into them. Where
// both are mounted can be said, so that tests have trees of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace xdpfwd {

struct HostRoots {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string run = "/run";
};

// Enough for a value; tables (interrupts, sockets) have limits of their own.
inline constexpr size_t kLargestValue = 16UL << 10;

// Without the white space at its end. A file larger than `largest` fails with EFBIG.
Result<std::string> read_host_file(const std::string& path, size_t largest = kLargestValue);
// A whole number, or nothing of that kind: EINVAL.
Result<int64_t> read_host_number(const std::string& path);
// In one write, as such files want it. The file must be there.
Result<void> write_host_file(const std::string& path, std::string_view value);

}  // namespace xdpfwd

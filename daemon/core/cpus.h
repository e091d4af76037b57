// SPDX-License-Identifier: BSD-2-Clause
// A set of CPUs as people write it in the configuration: "0-3,8".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xdpfwd {

inline constexpr uint32_t kHighestCpu = 16383;  // no kernel is built for more

// Sorted, each once, at least one.
Result<std::vector<uint32_t>> parse_cpus(std::string_view text);

}  // namespace xdpfwd

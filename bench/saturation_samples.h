// SPDX-License-Identifier: BSD-2-Clause
// What a guest's script says of a CPU that forwards while more arrive becomes samples. Text and numbers only.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/result_file.h"

namespace xdpfwd::bench {

inline constexpr const char* kForwarded = "forwarded_pps";

// "measured CONTENDER WINDOW USECS TAKEN REFUSED IDLE_USECS SENT SENDING_USECS": of the frames that NAPI took
// the tap had no room for some. Window 0 warms up.
Result<std::vector<Sample>> saturation_samples(std::string_view log);

}  // namespace xdpfwd::bench

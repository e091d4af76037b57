// SPDX-License-Identifier: BSD-2-Clause
// What a guest's script says of a bond whose cables are cut and joined becomes samples. Text and numbers
// only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/result_file.h"

namespace xdpfwd::bench {

// Whose sample it is: "bridge: cable-cut".
std::string failover_name(const std::string& contender, const std::string& event);

// "measured CONTENDER EVENT REPETITION SENT DELIVERED PPS"
Result<std::vector<Sample>> failover_samples(std::string_view log);

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// What a rig's contender can take while somebody reads its tap: the load of which half a percent is lost.
// Shares of it are measured; it is searched once, also of a run that goes on after an interruption.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/scenario.h"

namespace xdpfwd::bench {

inline constexpr const char* kShare = "percent_of_pdr";  // the coordinate

struct Pdr {
  double pps = 0;      // 0: not even the least
  bool found = false;  // false: the search came to no end, and it is a lower bound
};

// The rig is awake. Nothing is found of a run that is interrupted.
Result<Pdr> find_pdr(const Run& run, Rig& rig);

// What a sample of the contender at another share of the same point says.
std::optional<double> known_pdr(const ResultSet& results, const std::string& contender, const Point& point);
// That, or what the search finds: the one sample that is measured next is to say so, by these metrics, as
// repeated in each it would seem to have been found as often.
Result<double> pdr_at(const Run& run, const std::string& contender, const Point& point,
                      const std::function<Result<Pdr>()>& search, Metrics& metrics);
std::vector<std::string> pdr_caveats(const ResultSet& results);

}  // namespace xdpfwd::bench

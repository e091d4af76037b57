// SPDX-License-Identifier: BSD-2-Clause
// The command `run`: scenarios one after the other, into a folder.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/scenario.h"

namespace xdpfwd::bench {

struct RunRequest {
  std::vector<std::string> scenarios;  // names, or "all"
  std::optional<Tier> tier;            // of "all": otherwise the host's
  bool json = false;
  RunOptions options;
  std::vector<std::string> flags;  // as they were given, for the results
};

// Exit status: 0 measured, 1 could not measure, 2 wrong usage, 130 interrupted.
int run_scenarios(const RunRequest& request);
int list_kinds();

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// The command `search`: MLRsearch as a partner of a script, line by line. It says which load comes next and
// is told how that went, for a search where the trials are somebody else's: the lab's guest.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "bench/mlr_search.h"

namespace xdpfwd::bench {

struct SearchRequest {
  double min_load = 500;
  double max_load = 64'000;
  double width = 0.02;  // relative
  unsigned trials = 1;  // of a load, that decide it by their majority
  unsigned most = 60;   // in all
};

// Says "try LOAD"; reads "LOST DUE", frames; says in the end, of nothing lost and of half a percent,
// "found NDR FOUND PDR FOUND MOST_RECEIVED TRIALS": FOUND is 1, or 0 where the load is only a lower bound.
// Exit status: 0 found, 1 what it was told was no trial's outcome, 2 these bounds are none.
int search_by_lines(const SearchRequest& request, std::istream& in, std::ostream& out);

// "LOST DUE" as a ratio. Nothing: that it is not.
std::optional<double> loss_told(const std::string& line);

}  // namespace xdpfwd::bench

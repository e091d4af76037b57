// SPDX-License-Identifier: BSD-2-Clause
#include "bench/search_command.h"

#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <string>

#include "bench/guest_lines.h"

namespace xdpfwd::bench {

std::optional<double> loss_told(const std::string& line) {
  const auto told = guest_lines("told " + line + "\n", {.mark = "told", .names = 0, .numbers = 2});
  if (!told || told->size() != 1) return {};
  const double lost = told->front().number(0);
  const double due = told->front().number(1);
  if (due <= 0 || lost > due) return {};
  return lost / due;
}

int search_by_lines(const SearchRequest& request, std::istream& in, std::ostream& out) {
  if (!(request.min_load > 0) || !(request.max_load >= request.min_load) || !(request.width > 0)) {
    std::cerr << fmt::format(
        "xdpfwd-bench: search: from {:g} to {:g} frames a second, within {:g}: choose a --min-load above 0, "
        "a --max-load not below it, and a --width above 0\n",
        request.min_load, request.max_load, request.width);
    return 2;
  }
  // All trials count alike, whatever they last: a second.
  const double sum = request.trials;
  MlrSearch search(
      {{.name = "ndr", .trial_s = 1, .duration_sum_s = sum, .width = request.width},
       {.name = "pdr", .loss_ratio = 0.005, .trial_s = 1, .duration_sum_s = sum, .width = request.width}},
      {.min_load = request.min_load, .max_load = request.max_load, .most_trials = request.most});
  unsigned trials = 0;
  while (const auto next = search.next()) {
    out << fmt::format("try {}", std::lround(next->load)) << std::endl;
    std::string line;
    std::getline(in, line);
    const auto loss = loss_told(line);
    if (!loss) {
      std::cerr << fmt::format("xdpfwd-bench: search: no outcome of a trial: '{}'\n", line);
      return 1;
    }
    search.record(*next, *loss);
    ++trials;
  }
  std::string found = "found";
  for (const MlrAnswer& answer : search.answers())
    found += fmt::format(" {} {}", std::lround(answer.load), answer.found ? 1 : 0);
  out << fmt::format("{} {} {}", found, std::lround(search.most_received()), trials) << std::endl;
  return 0;
}

}  // namespace xdpfwd::bench

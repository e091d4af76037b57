// SPDX-License-Identifier: BSD-2-Clause
#include "bench/ndr_samples.h"

#include <algorithm>
#include <map>
#include <utility>

#include "bench/guest_lines.h"

namespace xdpfwd::bench {

Result<std::vector<Sample>> ndr_samples(std::string_view log) {
  const auto trials = guest_lines(log, {.mark = "trial", .names = 1, .numbers = 7, .repetition = 0});
  if (!trials) return std::unexpected(trials.error());
  const auto searches = guest_lines(log, {.mark = "measured", .names = 1, .numbers = 7, .repetition = 0});
  if (!searches) return std::unexpected(searches.error());
  std::map<std::pair<std::string, unsigned>, double> unseen;  // percent, by contender and search
  for (const GuestLine& trial : *trials) {
    const double pps = trial.number(1);
    const double due = trial.number(2);
    const double in_time = trial.number(3);
    if (pps <= 0 || due <= 0 || in_time > due) return bad_line(trial, "that is no trial");
    double& most = unseen[{trial.names[0], trial.repetition}];
    if (in_time == due) most = std::max(most, trial.number(6) / 1e6 * pps / due * 100);
  }
  std::vector<Sample> samples;
  for (const GuestLine& search : *searches) {
    const auto waiting = unseen.find({search.names[0], search.repetition});
    if (waiting == unseen.end()) return bad_line(search, "of no trial");
    samples.push_back({search.names[0],
                       {},
                       search.repetition,
                       {{"ndr_pps", search.number(1)},
                        {"ndr_found", search.number(2)},
                        {"pdr_pps", search.number(3)},
                        {"pdr_found", search.number(4)},
                        {"mrr_pps", search.number(5)},
                        {"trials", search.number(6)},
                        {"unseen_percent", waiting->second}}});
  }
  return samples;
}

}  // namespace xdpfwd::bench

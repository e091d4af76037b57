// SPDX-License-Identifier: BSD-2-Clause
#include "bench/saturation_samples.h"

#include <algorithm>

#include "bench/guest_lines.h"

namespace xdpfwd::bench {

Result<std::vector<Sample>> saturation_samples(std::string_view log) {
  const auto lines = guest_lines(log, {.mark = "measured", .names = 1, .numbers = 7, .repetition = 0});
  if (!lines) return std::unexpected(lines.error());
  std::vector<Sample> samples;
  for (const GuestLine& line : *lines) {
    const double usecs = line.number(1);
    const double taken = line.number(2);
    const double refused = line.number(3);
    const double idle_usecs = line.number(4);
    const double sending_usecs = line.number(6);
    if (usecs <= 0 || sending_usecs <= 0) return bad_line(line, "it took no time");
    if (taken <= 0 || refused > taken) return bad_line(line, "nothing was forwarded");
    if (line.repetition == 0) continue;
    samples.push_back({line.names[0],
                       {},
                       line.repetition,
                       {{kForwarded, (taken - refused) / usecs * 1e6},
                        {"refused_percent", refused / taken * 100},
                        // Told by the tick, so it may seem to rest for longer than the window is.
                        {"busy_percent", std::clamp(100 - idle_usecs / usecs * 100, 0.0, 100.0)},
                        {"sent_pps", line.number(5) / sending_usecs * 1e6}}});
  }
  return samples;
}

}  // namespace xdpfwd::bench

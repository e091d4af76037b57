// SPDX-License-Identifier: BSD-2-Clause
#include "bench/failover_samples.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/guest_lines.h"

namespace xdpfwd::bench {

std::string failover_name(const std::string& contender, const std::string& event) {
  return fmt::format("{}: {}", contender, event);
}

Result<std::vector<Sample>> failover_samples(std::string_view log) {
  const auto lines = guest_lines(log, {.mark = "measured", .names = 2, .numbers = 4, .repetition = 0});
  if (!lines) return std::unexpected(lines.error());
  std::vector<Sample> samples;
  for (const GuestLine& line : *lines) {
    const double sent = line.number(1);
    const double pps = line.number(3);
    if (sent <= 0 || pps <= 0) return bad_line(line, "nothing was sent");
    const double delivered = line.number(2);
    const double lost = std::max(0.0, sent - delivered);
    samples.push_back({failover_name(line.names[0], line.names[1]),
                       {},
                       line.repetition,
                       {{"blocked_ms", lost / pps * 1000},
                        {"lost", lost},
                        {"sent", sent},
                        // Some came twice, and as many more may have been lost: `lost` is the least then.
                        {"surplus", std::max(0.0, delivered - sent)}}});
  }
  return samples;
}

}  // namespace xdpfwd::bench

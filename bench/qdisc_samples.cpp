// SPDX-License-Identifier: BSD-2-Clause
#include "bench/qdisc_samples.h"

#include <fmt/format.h>

#include "bench/guest_lines.h"

namespace xdpfwd::bench {
namespace {

// CPUS WINDOW READ REFUSED DROPPED, then for each CPU that sends OFFERED BEGAN ENDED.
constexpr size_t kFirst = 5;
constexpr size_t kOfACpu = 3;

}  // namespace

Result<std::vector<Sample>> qdisc_samples(std::string_view log, const InstructionMarks& marks) {
  const auto lines = guest_lines(
      log, {.mark = "measured", .names = 1, .numbers = kFirst, .group = kOfACpu, .repetition = 1});
  if (!lines) return std::unexpected(lines.error());
  std::vector<Sample> samples;
  for (const GuestLine& line : *lines) {
    const uint64_t cpus = line.numbers[0];
    if (cpus < 1 || line.numbers.size() != kFirst + cpus * kOfACpu)
      return bad_line(line, "of each CPU it has to say what it sent");
    if (line.repetition == 0) continue;
    const std::string name = fmt::format("{}/{}/{}", line.names[0], cpus, line.repetition);
    const auto begin = marks.find(name + "/begin");
    const auto end = marks.find(name + "/end");
    if (begin == marks.end() || end == marks.end() || begin->second.size() < cpus ||
        end->second.size() < cpus)
      return fail(fmt::format("there are no instruction counts for {}", name));
    double instructions = 0;
    double frames = 0;
    double pps = 0;
    for (size_t cpu = 0; cpu < cpus; ++cpu) {
      const size_t at = kFirst + cpu * kOfACpu;
      const double offered = line.number(at);
      const double usecs = line.number(at + 2) - line.number(at + 1);
      if (offered <= 0) return bad_line(line, "a CPU sent nothing");
      if (usecs <= 0) return bad_line(line, "a CPU sent in no time");
      instructions += static_cast<double>(end->second[cpu].all - begin->second[cpu].all);
      frames += offered;
      pps += offered / usecs * 1e6;
    }
    samples.push_back({line.names[0],
                       {{"cpus", static_cast<double>(cpus)}},
                       line.repetition,
                       {{"instructions_per_frame", instructions / frames},
                        {"pps", pps},
                        {"refused_percent", line.number(3) / frames * 100},
                        {"dropped_percent", line.number(4) / frames * 100}}});
  }
  return samples;
}

}  // namespace xdpfwd::bench

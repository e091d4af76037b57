// SPDX-License-Identifier: BSD-2-Clause
#include "bench/poll_histogram.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "bench/guest_lines.h"

namespace xdpfwd::bench {
namespace {

constexpr unsigned kMostTold = 3;  // polls that took more are told together

std::string metric_of(uint64_t work) {
  return work > kMostTold ? "polls_of_more_per_second" : fmt::format("polls_of_{}_per_second", work);
}

}  // namespace

Result<std::vector<Sample>> poll_samples(std::string_view log, const InstructionMarks& marks) {
  const auto measured = guest_lines(log, {.mark = "measured", .names = 1, .numbers = 4, .repetition = 0});
  if (!measured) return std::unexpected(measured.error());
  const auto polls = guest_lines(log, {.mark = "polls", .names = 1, .numbers = 3, .repetition = 0});
  if (!polls) return std::unexpected(polls.error());
  std::vector<Sample> samples;
  std::map<std::pair<std::string, unsigned>, std::pair<size_t, double>> known;  // which sample, how long
  for (const GuestLine& line : *measured) {
    const double received = line.number(1);
    const double sent = line.number(2);
    const double seconds = line.number(3) / 1e6;
    if (seconds <= 0 || received + sent <= 0) return bad_line(line, "nothing was sent");
    const std::string name = fmt::format("tx-usecs/{}/{}", line.names[0], line.repetition);
    const auto start = marks.find(name + "/begin");
    const auto end = marks.find(name + "/end");
    if (start == marks.end() || end == marks.end() || start->second.empty() || end->second.empty())
      return fail(fmt::format("there are no instruction counts for {}", name));
    Metrics metrics = {
        {"sent_pps", sent / seconds},
        {"received_pps", received / seconds},
        {"softirq_instructions_per_packet",
         static_cast<double>(end->second[0].softirq - start->second[0].softirq) / (received + sent)}};
    for (unsigned work = 0; work <= kMostTold + 1; ++work) metrics[metric_of(work)] = 0;
    known[{line.names[0], line.repetition}] = {samples.size(), seconds};
    samples.push_back({line.names[0], {}, line.repetition, std::move(metrics)});
  }
  for (const GuestLine& line : *polls) {
    const auto found = known.find({line.names[0], line.repetition});
    if (found == known.end()) return bad_line(line, "of no measurement");
    const auto [index, seconds] = found->second;
    samples[index].metrics[metric_of(line.numbers[1])] += line.number(2) / seconds;
  }
  return samples;
}

}  // namespace xdpfwd::bench

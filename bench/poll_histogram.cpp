// SPDX-License-Identifier: BSD-2-Clause
#include "bench/poll_histogram.h"

#include <fmt/format.h>

#include <sstream>

namespace xdpfwd::bench {
namespace {

constexpr unsigned kMostTold = 3;  // polls that took more are told together

std::string metric_of(unsigned work) {
  return work > kMostTold ? "polls_of_more_per_second" : fmt::format("polls_of_{}_per_second", work);
}

}  // namespace

Result<std::vector<Sample>> poll_samples(std::string_view log, const InstructionMarks& marks) {
  std::vector<Sample> samples;
  double seconds = 0;  // of the sample that is being read
  std::istringstream lines{std::string(log)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    std::string usecs;
    unsigned repetition = 0;
    if (!(words >> word) || (word != "measured" && word != "polls")) continue;
    words >> usecs >> repetition;
    if (word == "measured") {
      double received = 0;
      double sent = 0;
      if (!(words >> received >> sent >> seconds) || seconds <= 0)
        return fail("the guest's script said: " + line);
      seconds /= 1e6;
      const std::string name = fmt::format("tx-usecs/{}/{}", usecs, repetition);
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
      samples.push_back({usecs, {}, repetition, std::move(metrics)});
      continue;
    }
    unsigned work = 0;
    double count = 0;
    if (!(words >> work >> count) || samples.empty() || samples.back().contender != usecs ||
        samples.back().repetition != repetition)
      return fail("the guest's script said: " + line);
    samples.back().metrics[metric_of(work)] += count / seconds;
  }
  return samples;
}

}  // namespace xdpfwd::bench

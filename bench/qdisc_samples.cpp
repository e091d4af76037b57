// SPDX-License-Identifier: BSD-2-Clause
#include "bench/qdisc_samples.h"

#include <fmt/format.h>

#include <sstream>

namespace xdpfwd::bench {

Result<std::vector<Sample>> qdisc_samples(std::string_view log, const InstructionMarks& marks) {
  std::vector<Sample> samples;
  std::istringstream lines{std::string(log.substr(0, log.rfind('\n') + 1))};  // npos + 1: nothing
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word != "measured") continue;
    std::string discipline;
    size_t cpus = 0;
    unsigned window = 0;
    double read = 0;
    double refused = 0;
    double dropped = 0;
    if (!(words >> discipline >> cpus >> window >> read >> refused >> dropped) || cpus < 1)
      return fail("the guest's script said: " + line);
    if (window == 0) continue;
    const std::string name = fmt::format("{}/{}/{}", discipline, cpus, window);
    const auto begin = marks.find(name + "/begin");
    const auto end = marks.find(name + "/end");
    if (begin == marks.end() || end == marks.end() || begin->second.size() < cpus ||
        end->second.size() < cpus)
      return fail(fmt::format("there are no instruction counts for {}", name));
    double instructions = 0;
    double frames = 0;
    double pps = 0;
    for (size_t cpu = 0; cpu < cpus; ++cpu) {
      double offered = 0;
      double began = 0;
      double ended = 0;
      if (!(words >> offered >> began >> ended) || ended <= began)
        return fail("the guest's script said: " + line);
      if (offered <= 0) return fail("a CPU sent nothing: " + line);
      instructions += static_cast<double>(end->second[cpu].all - begin->second[cpu].all);
      frames += offered;
      pps += offered / (ended - began) * 1e6;
    }
    samples.push_back({discipline,
                       {{"cpus", static_cast<double>(cpus)}},
                       window,
                       {{"instructions_per_frame", instructions / frames},
                        {"pps", pps},
                        {"refused_percent", refused / frames * 100},
                        {"dropped_percent", dropped / frames * 100}}});
  }
  return samples;
}

}  // namespace xdpfwd::bench

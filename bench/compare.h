// SPDX-License-Identifier: BSD-2-Clause
// Two runs side by side: what they were measured with, which figures differ by more than chance, and by how
// much. Repetitions in one boot of the lab are alike in what differs from boot to boot, so they say nothing
// of chance; there only boots count.
#pragma once

#include <string>
#include <vector>

#include "bench/result_file.h"

namespace xdpfwd::bench {

// The rank sum test needs so many samples of each to tell anything: of the lab, so many boots.
inline constexpr size_t kEnoughSamples = 4;
// Of fewer is told what differs by more. Boots of one build differ by up to so much: see "Five boots" in
// docs/benchmarks.md.
inline constexpr double kBootsDiffer = 0.02;
inline constexpr double kRepetitionsDiffer = 0.10;

struct Difference {
  std::string scenario;
  std::string contender;
  Point point;
  std::string metric;
  double before = 0;  // medians
  double after = 0;
  double ratio = 1;  // after / before, with its 95 % interval
  double ratio_low = 1;
  double ratio_high = 1;
  double false_discovery_rate = 1;
  bool booted = false;   // of the lab
  bool too_few = false;  // samples, to say anything of chance
  [[nodiscard]] bool significant() const { return !too_few && false_discovery_rate < 0.05; }
  // Of too few samples, and still worth a line.
  [[nodiscard]] bool is_large() const;
};

// Every metric at every point that both runs have. Sorted: those that are told first.
std::vector<Difference> compare_runs(const std::vector<ResultSet>& before,
                                     const std::vector<ResultSet>& after);
std::string compare_text(const std::vector<Difference>& differences);

// Kernel, commit, CPU and the like, where the runs differ in them, a line each. Empty: they do not.
std::string differing_headers(const std::vector<ResultSet>& before, const std::vector<ResultSet>& after);

}  // namespace xdpfwd::bench

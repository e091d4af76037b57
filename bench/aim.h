// SPDX-License-Identifier: BSD-2-Clause
// What the project aims at, and whether a run reached it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/ratio.h"
#include "bench/result_file.h"
#include "bench/significance.h"

namespace xdpfwd::bench {

struct Aim {
  enum class Side { kAtMost, kAtLeast };
  std::string what;
  std::optional<double> bound = {};  // none: a figure that nothing is promised of
  Side side = Side::kAtMost;
  std::optional<RatioInterval> measured = {};
  std::string remark = {};  // where it was measured, or why not
};

// "reached", "missed", "not measured"; of a figure without a bound "" or "not measured".
std::string verdict_on(const Aim& aim);

// An aim that holds at several points: the worst of them is the one that counts.
struct MeasuredAt {
  std::string where;
  RatioInterval value;
};
Aim worst_of(Aim aim, const std::vector<MeasuredAt>& all);
Aim worst_of(Aim aim, const ResultSet& results, const Ratio& ratio);

// A table: aim, bound, measured, verdict, remark. Nothing for no aims.
std::string aims_text(const std::vector<Aim>& aims);
std::string aims_html(const std::vector<Aim>& aims);

}  // namespace xdpfwd::bench

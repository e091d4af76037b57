// SPDX-License-Identifier: BSD-2-Clause
// Ratios of medians within one run, and what may not go into one.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "bench/result_file.h"
#include "bench/significance.h"

namespace xdpfwd::bench {

// A ratio of two contenders' values of one metric, at each point: what the project promises. Where there is a
// base, its value is subtracted from both: what cable, NAPI and timer cost is nobody's work.
struct Ratio {
  std::string metric;
  std::string contender;
  std::string against;
  std::string base = {};
};

// Of one metric's values. Nothing where one of them, or the base, was not measured, or where the base is as
// dear as what is compared.
std::optional<RatioInterval> ratio_between(const std::map<ResultSet::Key, std::vector<double>>& values,
                                           const ResultSet::Key& above, const ResultSet::Key& below,
                                           const std::string& base = {});

// Why a sample allows no figure of its contender at its point; empty: it does.
using Refusal = std::function<std::string(const Sample&)>;
// The contenders' points of which no sample is refused.
ResultSet without_refused(const ResultSet& results, const Refusal& refusal);

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// What the samples of cost-per-packet come to: which of them allow a figure, the headline, and what the
// project aims at. Arithmetic only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/aim.h"
#include "bench/result_file.h"

namespace xdpfwd::bench {

inline constexpr const char* kCostMetric = "softirq_instructions_per_packet";
inline constexpr double kHeadlinePps = 10'000;
inline constexpr double kFullPoll = 16;
inline constexpr double kBudget = 64;           // of NAPI: no poll takes more
inline constexpr double kAsFastAsPossible = 0;  // as packets per second

// Why a sample allows no figure of its contender at its point; empty: it does. Of one as fast as possible it
// does: there only what is delivered counts.
std::string cost_refusal(const Sample& sample);
std::vector<std::string> cost_refusals(const ResultSet& results);

nlohmann::json cost_headline(const ResultSet& results);
std::vector<Aim> cost_aims(const ResultSet& results);

}  // namespace xdpfwd::bench

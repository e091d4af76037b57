// SPDX-License-Identifier: BSD-2-Clause
// What a run came to, for people: one HTML page that needs nothing beside it, its plots also as SVG and PNG,
// its figures also as CSV.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bench/chart.h"
#include "bench/scenario.h"

namespace xdpfwd::bench {

struct Ratios {
  Ratio what;
  Point point;
  RatioInterval value;  // of the medians
};

// The scenario's ratios at every point where both contenders were measured.
std::vector<Ratios> ratios_of(const ResultSet& results, const ScenarioKind& kind);
// The scenario's charts: one for each plot and each value of the coordinates that are not its x axis.
std::vector<Chart> charts_of(const ResultSet& results, const ScenarioKind& kind);
std::vector<StackChart> stack_charts_of(const ResultSet& results, const ScenarioKind& kind);
// All samples' medians and quartiles: scenario,contender,<coordinates>,metric,n,low,median,high
std::string csv_of(const ResultSet& results);
// For the terminal, after a run.
std::string summary_text(const ResultSet& results, const ScenarioKind& kind);

// Reads FOLDER/*.jsonl and writes FOLDER/report.html, FOLDER/SCENARIO.csv and FOLDER/SCENARIO-N.svg and .png.
// The files written.
Result<std::vector<std::string>> write_report(const std::string& folder);

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// What the control plane costs at size: many guests from files to a filled table, a million rows, a thousand
// taps, and the daemon's memory and idle CPU with them.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {

struct ScaleOptions {
  unsigned repetitions = 5;
  std::string daemon;  // path of the xdpfwd to measure; beside this program by default
  std::function<void(const std::string&)> progress = [](const std::string&) {};
  // Each figure as it is measured: its name in the JSON, and the repetition from 1 on.
  std::function<Result<void>(const std::string&, unsigned, double)> keep =
      [](const std::string&, unsigned, double) { return Result<void>{}; };
  std::function<bool()> interrupted = [] { return false; };  // asked between figures: the report is not whole
};

struct ScaleReport {
  Spread guests_100k_s;                // configuration files with 100 000 guests to a filled table
  Spread rows_1m_s;                    // 1 000 000 rows planned and written
  Spread taps_1k_ms;                   // 1 000 taps observed, compiled and planned, with a table that fits
  double daemon_rss_mib = 0;           // with 1 000 taps
  double daemon_idle_cpu_percent = 0;  // of one CPU, over idle_seconds
  double idle_seconds = 0;
  Spread tune_plan_s;   // of 2 members with 64 queues and 500 guests, by xdpctl
  Spread tune_apply_s;  // the same, applied
  size_t tune_settings = 0;
  Spread packing_cpu_percent;  // of one CPU, by the daemon that packs 128 NAPIs at rest, over packing_seconds
                               // each
  unsigned packing_seconds = 0;
};

Result<ScaleReport> run_scale(const ScaleOptions& options);
std::string scale_text(const ScaleReport& report);
std::string scale_json(const ScaleReport& report);

}  // namespace xdpfwd::bench

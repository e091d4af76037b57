// SPDX-License-Identifier: BSD-2-Clause
// Reports as text for people. Pure: what is shown depends on the values and on whether colours are wanted.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/report.h"

namespace xdpfwd {

struct Style {
  bool colour = false;
};

std::string render_status(const StatusReport& status, Style style);
std::string render_guests(const std::vector<GuestReport>& guests, Style style);
std::string render_ports(const std::vector<PortReport>& ports, Style style);
std::string render_plan(const PlanReport& plan, Style style);
// The changes, with what they mean in front: what would be done, was done, or is in force.
std::string render_tuning(const TuningReport& tuning, std::string_view heading, Style style);
// Totals; and, with an earlier report, what came in between for each second.
std::string render_stats(const StatsReport& now, const StatsReport* before, Style style);
// Rows come in pieces, and the columns have fixed widths; the first piece has the titles.
std::string render_fdb(std::span<const FdbReport> rows, bool titles, Style style);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// What was watched and checked, as text for people. Pure, as render.h.
#pragma once

#include <string>
#include <vector>

#include "core/effect_report.h"
#include "ctl/render.h"

namespace xdpfwd {

std::string render_polls(const PollsReport& polls, Style style);
std::string render_findings(const std::vector<Finding>& findings, Style style);
std::string render_verified(const VerifyReport& verified, Style style);
std::string render_suggestion(const SuggestReport& suggestion, Style style);

}  // namespace xdpfwd

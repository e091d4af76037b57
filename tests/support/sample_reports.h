// SPDX-License-Identifier: BSD-2-Clause
// Reports with something in every field, for tests of whatever turns them into text.
#pragma once

#include "core/effect_report.h"
#include "core/napi_report.h"
#include "core/report.h"

namespace xdpfwd {

StatusReport sample_status();
std::vector<GuestReport> sample_guests();
std::vector<FdbReport> sample_fdb();
std::vector<PortReport> sample_ports();
// `second` is `seconds` later than the first, with counters that have grown.
StatsReport sample_stats(uint64_t seconds = 0);
PlanReport sample_plan();
TuningReport sample_tuning();
NapiStatusReport sample_napi_status();
PollsReport sample_polls();
VerifyReport sample_verified();
SuggestReport sample_suggestion();

}  // namespace xdpfwd

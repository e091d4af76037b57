// SPDX-License-Identifier: BSD-2-Clause
// The reports of effect_report.h as JSON and back, as report_json.h does for the others.
#pragma once

#include "core/effect_report.h"
#include "core/json_reader.h"

namespace xdpfwd {

Json to_json(const QueueReport& queue);
Json to_json(const DeliveryReport& delivery);
Json to_json(const SentReport& sent);
Json to_json(const PollsReport& polls);
Json to_json(const Finding& finding);
Json to_json(const VerifyReport& verified);
Json to_json(const SuggestReport& suggestion);

Result<PollsReport> read_polls(const Json& parameters);
Result<VerifyReport> read_verified(const Json& parameters);
Result<SuggestReport> read_suggestion(const Json& parameters);

}  // namespace xdpfwd

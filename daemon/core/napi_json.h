// SPDX-License-Identifier: BSD-2-Clause
// The reports of napi_report.h as JSON and back, as report_json.h does for the others.
#pragma once

#include "core/json_reader.h"
#include "core/napi_report.h"

namespace xdpfwd {

Json to_json(const NapiReport& napi);
Json to_json(const NapiStatusReport& status);
Result<NapiStatusReport> read_napi_status(const Json& parameters);

}  // namespace xdpfwd

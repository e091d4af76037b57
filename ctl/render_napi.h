// SPDX-License-Identifier: BSD-2-Clause
// Who runs the NAPI instances, as text for people. Pure, as render.h.
#pragma once

#include <string>

#include "core/napi_report.h"
#include "ctl/render.h"

namespace xdpfwd {

std::string render_napi_status(const NapiStatusReport& status, Style style);

}  // namespace xdpfwd

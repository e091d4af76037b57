// SPDX-License-Identifier: BSD-2-Clause
// Who runs each NAPI instance, and where, as observed: for people.
#pragma once

#include <vector>

#include "core/napi_report.h"
#include "core/setting.h"
#include "tuning/packing.h"

namespace xdpfwd {

// By NIC and place. `packable`: what of it is in mode auto.
std::vector<NapiReport> report_napis(const HostTuning& observed, const Packable& packable);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The daemon's log: spdlog, to the journal with structured fields when systemd started us, else to stderr.
// Only shell/ logs; libraries report.
#pragma once

#include <spdlog/spdlog.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace xdpfwd {

// Chooses the sink, once, at start.
void set_up_log();
// trace, debug, info, warn or error, as log.level has it.
void set_log_level(std::string_view level);

// Fields go to the journal as they are: names in capitals, as {"XDPFWD_PORT", "tap0"}.
using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;
void log_event(spdlog::level::level_enum level, std::string_view message, LogFields fields = {});

}  // namespace xdpfwd

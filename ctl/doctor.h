// SPDX-License-Identifier: BSD-2-Clause
// `xdpctl doctor`: reads the configuration and the host itself, with or without a daemon, and shows what
// doctor/ makes of them. Exit status: 0 all pass, 1 warnings, 2 failures.
#pragma once

#include <string>

#include "ctl/commands.h"

namespace xdpfwd {

// `config_file` empty: the one that the daemon uses, else the default.
int run_doctor(const Session& session, const std::string& config_file);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The configuration files of one daemon: which they are, and their text. What it means is core/config's work.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/config.h"

namespace xdpfwd {

inline constexpr const char* kDefaultConfigFile = "/etc/xdpfwd/xdpfwd.toml";

// Where the drop-in files of a configuration file are: "/etc/xdpfwd/xdpfwd.toml" -> "/etc/xdpfwd/xdpfwd.d".
std::string drop_in_directory(const std::string& file);

// The file, then the *.toml of its drop-in directory by name (bytes, not locale); a directory that does not
// exist has none. Names that begin with '.' are editors' leftovers and are not read.
Result<std::vector<ConfigText>> read_config_files(const std::string& file);

}  // namespace xdpfwd

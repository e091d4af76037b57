// SPDX-License-Identifier: BSD-2-Clause
// What a word means that xdpfwd uses: a key of the configuration, a section of it, a counter, a tap's state.
// All of it comes from the tables that the program itself works by.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/json_reader.h"

namespace xdpfwd {

// Every key with its one line of help.
std::string explain_all();
// "uplink.devices", "devices", "uplink", "ring_full", "no_reader".
Result<std::string> explain(std::string_view word);
// Every word that explain() knows, for completion.
std::vector<std::string> explained_words();
// The option table, for scripts.
Json options_json();
// The OPTIONS part of the manual page xdpfwd.toml(5), in scdoc.
std::string options_scdoc();

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Completion scripts, written from the declared command line. Names of guests and members are asked of the
// daemon at the key press.
#pragma once

#include <string>

namespace xdpfwd {

class CommandLine;

std::string bash_completion(const CommandLine& line);
std::string zsh_completion(const CommandLine& line);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The text of the file that keeps the guests added over the control socket. Reading and writing the file is
// sources/guest_store's work.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/config.h"

namespace xdpfwd {

// One guest per line, so that a person can read and compare it.
std::string write_guest_file(const std::vector<Guest>& guests);

// All or nothing: a text that is cut off, of another version, or that breaks a rule between guests is
// refused.
Result<std::vector<Guest>> read_guest_file(std::string_view text);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Text in lines that fit a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace xdpfwd {

// `text` in lines of at most 100 columns, each but the first indented; the first stands where the caller has
// already written `indent` columns.
std::string wrapped(std::string_view text, size_t indent);

}  // namespace xdpfwd

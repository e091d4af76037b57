// SPDX-License-Identifier: BSD-2-Clause
// Numbers for people: thousands, times, rates. Scripts use --json.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xdpfwd {

std::string count_text(uint64_t count);                      // 1,234,567
std::string counted(uint64_t count, std::string_view noun);  // "1 row", "1,234 rows"
std::string duration_text(uint64_t milliseconds);            // "1 d 2 h", "5 min 3 s", "40 s"
std::string bytes_text(uint64_t bytes);                      // "1.2 GiB"
std::string bit_rate_text(double bits_per_second);           // "2.05 Gbit/s"

}  // namespace xdpfwd

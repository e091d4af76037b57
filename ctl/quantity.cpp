// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/quantity.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace xdpfwd {

std::string count_text(uint64_t count) {
  std::string text = fmt::format("{}", count);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string counted(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count_text(count), noun, count == 1 ? "" : "s");
}

std::string duration_text(uint64_t milliseconds) {
  constexpr std::array<std::pair<uint64_t, std::string_view>, 4> kUnits = {
      {{86'400, "d"}, {3'600, "h"}, {60, "min"}, {1, "s"}}};
  uint64_t seconds = milliseconds / 1000;
  std::string text;
  int units = 0;
  // Two units say enough.
  for (const auto& [size, name] : kUnits) {
    if ((seconds < size && units == 0 && size != 1) || units == 2) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", seconds / size, name);
    seconds %= size;
    ++units;
  }
  return text;
}

namespace {

std::string scaled(double value, double step, const std::array<std::string_view, 5>& units) {
  size_t unit = 0;
  while (value >= step && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f} {}", value, units[unit]);
  return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : value < 100 ? 1 : 0, units[unit]);
}

}  // namespace

std::string bytes_text(uint64_t bytes) {
  return scaled(static_cast<double>(bytes), 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}

std::string bit_rate_text(double bits_per_second) {
  return scaled(bits_per_second, 1000, {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"});
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Numbers on the command line that the library takes for others: CLI::Range has "nan" in any range, and "-1",
// where 64 bits have no sign, is the largest of them.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <string>

namespace xdpfwd {

inline CLI::Validator number_between(double least, double most) {
  return {[least, most](const std::string& text) -> std::string {
            double number = 0;
            if (CLI::detail::lexical_cast(text, number) && number >= least && number <= most) return {};
            return fmt::format("{} is not between {} and {}", text, least, most);
          },
          fmt::format("FLOAT in [{} - {}]", least, most)};
}

inline CLI::Validator number_without_sign() {
  return {[](const std::string& text) -> std::string {
            uint64_t number = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
            if (error == std::errc() && end == text.data() + text.size()) return {};
            return fmt::format("{} is no whole number from 0 to {}", text, UINT64_MAX);
          },
          ""};
}

}  // namespace xdpfwd

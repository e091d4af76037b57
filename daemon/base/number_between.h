// SPDX-License-Identifier: BSD-2-Clause
// A number with a fraction on the command line. CLI::Range takes "nan" for one in any range.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
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

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// What a guest's script says of its measurements: lines of a mark, names, and whole numbers. Text only; what
// they mean is the scenario's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xdpfwd::bench {

// "MARK NAME... NUMBER..."
struct LineForm {
  std::string_view mark;
  size_t names = 1;
  size_t numbers = 0;
  size_t group = 0;  // further numbers may follow, so many at a time; 0: none
  // Which of the numbers counts repetitions.
  std::optional<size_t> repetition = {};
};

struct GuestLine {
  std::string text;
  std::vector<std::string> names = {};
  std::vector<uint64_t> numbers = {};
  unsigned repetition = 0;

  [[nodiscard]] double number(size_t index) const { return static_cast<double>(numbers.at(index)); }
};

// Those that begin with the mark, in their order; others are nothing, and so is a last line that an
// interruption cut off. An error names a line that has not the form: too few or too many words, or a number
// that is none, is not whole, is below 0 or above 2^53, where not all are told apart any more.
Result<std::vector<GuestLine>> guest_lines(std::string_view log, const LineForm& form);

// The error that this line is.
std::unexpected<Error> bad_line(const GuestLine& line, std::string_view why = {});

}  // namespace xdpfwd::bench

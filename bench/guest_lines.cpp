// SPDX-License-Identifier: BSD-2-Clause
#include "bench/guest_lines.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <sstream>

namespace xdpfwd::bench {
namespace {

constexpr uint64_t kMost = uint64_t{1} << 53;

std::optional<uint64_t> whole_number(std::string_view word) {
  uint64_t number = 0;
  const char* const end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || stopped != end || number > kMost) return {};
  return number;
}

bool fits(const LineForm& form, size_t numbers) {
  if (numbers < form.numbers) return false;
  const size_t more = numbers - form.numbers;
  return form.group == 0 ? more == 0 : more % form.group == 0;
}

Result<GuestLine> read_line(const std::string& text, std::istringstream& words, const LineForm& form) {
  GuestLine line{.text = text};
  for (std::string word; words >> word;) {
    if (line.names.size() < form.names) {
      line.names.push_back(word);
      continue;
    }
    const auto number = whole_number(word);
    if (!number) return bad_line(line, word + " is no number here");
    line.numbers.push_back(*number);
  }
  if (line.names.size() < form.names || !fits(form, line.numbers.size()))
    return bad_line(line, fmt::format("these are {} numbers", line.numbers.size()));
  if (form.repetition) {
    const uint64_t repetition = line.numbers.at(*form.repetition);
    if (repetition > std::numeric_limits<unsigned>::max())
      return bad_line(line, fmt::format("{} is no repetition", repetition));
    line.repetition = static_cast<unsigned>(repetition);
  }
  return line;
}

}  // namespace

std::unexpected<Error> bad_line(const GuestLine& line, std::string_view why) {
  return fail(fmt::format("the guest's script said: {}{}{}", line.text, why.empty() ? "" : ": ", why));
}

Result<std::vector<GuestLine>> guest_lines(std::string_view log, const LineForm& form) {
  std::vector<GuestLine> found;
  std::istringstream lines{std::string(log.substr(0, log.rfind('\n') + 1))};  // npos + 1: nothing
  for (std::string text; std::getline(lines, text);) {
    std::istringstream words(text);
    std::string mark;
    if (!(words >> mark) || mark != form.mark) continue;
    auto line = read_line(text, words, form);
    if (!line) return std::unexpected(line.error());
    found.push_back(std::move(*line));
  }
  return found;
}

}  // namespace xdpfwd::bench

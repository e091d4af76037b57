// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/text_table.h"

#include <algorithm>

namespace xdpfwd {
namespace {

constexpr size_t kGap = 2;

// Characters, not bytes: names may be UTF-8.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string_view start_of(Colour colour) {
  switch (colour) {
    case Colour::kGood:
      return "\033[32m";
    case Colour::kWaiting:
      return "\033[33m";
    case Colour::kBad:
      return "\033[31m";
    case Colour::kNone:
      break;
  }
  return "";
}

}  // namespace

std::string coloured(std::string_view text, Colour colour, bool on) {
  if (!on || colour == Colour::kNone) return std::string(text);
  std::string result(start_of(colour));
  result += text;
  return result += "\033[0m";
}

std::string TextTable::text(bool colour, bool titles) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = std::max(columns_[i].width, width_of(columns_[i].title));
    for (const auto& row : rows_) width = std::max(width, width_of(row[i].text));
    widths.push_back(width);
  }
  std::string result;
  const auto line = [&](const auto& cell_of) {
    std::string gap;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto [words, paint] = cell_of(i);
      const std::string pad(widths[i] - width_of(words), ' ');
      const bool right = columns_[i].align == Align::kRight;
      result += gap;
      if (right) result += pad;
      result += coloured(words, paint, colour);
      // What is only space goes in front of the next column, if one comes: no line ends with spaces.
      gap = (right ? "" : pad) + std::string(kGap, ' ');
    }
    while (result.ends_with(' ')) result.pop_back();
    result += '\n';
  };
  if (titles) line([&](size_t i) { return std::pair(columns_[i].title, Colour::kNone); });
  for (const auto& row : rows_)
    line([&](size_t i) { return std::pair(std::string_view(row[i].text), row[i].colour); });
  return result;
}

}  // namespace xdpfwd

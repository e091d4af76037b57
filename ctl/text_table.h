// SPDX-License-Identifier: BSD-2-Clause
// Columns of text, as wide as what is in them: words to the left, numbers to the right.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xdpfwd {

enum class Colour { kNone, kGood, kWaiting, kBad };

// `text` as a terminal shows it in this colour; unchanged without `on`.
std::string coloured(std::string_view text, Colour colour, bool on);

class TextTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string_view title;
    Align align = Align::kLeft;
    size_t width = 0;  // at least
  };
  struct Cell {
    std::string text;
    Colour colour = Colour::kNone;

    Cell(std::string words, Colour paint = Colour::kNone) : text(std::move(words)), colour(paint) {}
    Cell(std::string_view words) : text(words) {}
    Cell(const char* words) : text(words) {}
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // With titles, unless the rows go on a table that is already shown.
  [[nodiscard]] std::string text(bool colour, bool titles = true) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace xdpfwd

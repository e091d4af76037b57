// SPDX-License-Identifier: BSD-2-Clause
#include "bench/aim.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bench/chart.h"

namespace xdpfwd::bench {
namespace {

using Cells = std::array<std::string, 5>;

Cells cells_of(const Aim& aim) {
  Cells cells = {aim.what, "", "", verdict_on(aim), aim.remark};
  if (aim.bound) cells[1] = fmt::format("{} {:g}", aim.side == Aim::Side::kAtMost ? "<=" : ">=", *aim.bound);
  if (aim.measured) cells[2] = text_of(*aim.measured);
  return cells;
}

std::vector<Cells> rows_of(const std::vector<Aim>& aims) {
  std::vector<Cells> rows = {{"what the project aims at", "bound", "measured (95 %)", "", ""}};
  for (const Aim& aim : aims) rows.push_back(cells_of(aim));
  return rows;
}

}  // namespace

std::string verdict_on(const Aim& aim) {
  if (!aim.measured) return "not measured";
  if (!aim.bound) return "";
  const bool reached =
      aim.side == Aim::Side::kAtMost ? aim.measured->ratio <= *aim.bound : aim.measured->ratio >= *aim.bound;
  return reached ? "reached" : "missed";
}

Aim worst_of(Aim aim, const std::vector<MeasuredAt>& all) {
  if (all.empty()) return aim;
  const auto [least, most] =
      std::ranges::minmax_element(all, {}, [](const MeasuredAt& one) { return one.value.ratio; });
  const MeasuredAt& worst = aim.side == Aim::Side::kAtMost ? *most : *least;
  aim.measured = worst.value;
  aim.remark = all.size() == 1 ? worst.where : fmt::format("{}, the worst of {}", worst.where, all.size());
  return aim;
}

Aim worst_of(Aim aim, const ResultSet& results, const Ratio& ratio) {
  const auto values = results.values(ratio.metric);
  std::vector<MeasuredAt> all;
  for (const auto& [key, samples] : values)
    if (key.first == ratio.contender)
      if (const auto value = ratio_between(values, key, {ratio.against, key.second}, ratio.base))
        all.push_back({point_text(key.second), *value});
  return worst_of(std::move(aim), all);
}

std::string aims_text(const std::vector<Aim>& aims) {
  if (aims.empty()) return "";
  const std::vector<Cells> rows = rows_of(aims);
  std::array<size_t, std::tuple_size_v<Cells>> widths{};
  for (const Cells& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text = "\n";
  for (const Cells& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string aims_html(const std::vector<Aim>& aims) {
  if (aims.empty()) return "";
  std::string html = "<table>\n";
  const char* cell_tag = "th";  // the first row's
  for (const Cells& row : rows_of(aims)) {
    html += "<tr>";
    for (const std::string& cell : row) html += fmt::format("<{0}>{1}</{0}>", cell_tag, escaped(cell));
    html += "</tr>\n";
    cell_tag = "td";
  }
  return html + "</table>\n";
}

}  // namespace xdpfwd::bench

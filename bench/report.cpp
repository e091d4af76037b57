// SPDX-License-Identifier: BSD-2-Clause
#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

#include "bench/compare.h"
#include "bench/stage.h"
#include "bench/statistics.h"

namespace xdpfwd::bench {
namespace {

constexpr const char* kStyle =
    "body{font:14px/1.5 'DejaVu Sans',sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0;font-size:12px}td,th{border:1px solid #ccc;padding:2px 8px;"
    "text-align:right}td:first-child,th:first-child{text-align:left}caption{text-align:left;font-weight:bold}"
    "small{color:#777}svg{max-width:100%;height:auto}dt{font-weight:bold}";

std::vector<std::string> contenders_of(const ResultSet& results) {
  std::vector<std::string> names;
  for (const ContenderKind& kind : contender_kinds())
    if (std::ranges::find(results.samples, kind.name, &Sample::contender) != results.samples.end())
      names.push_back(kind.name);
  // What is no contender of this program, such as the lab's: in the order of appearance.
  for (const Sample& sample : results.samples)
    if (std::ranges::find(names, sample.contender) == names.end()) names.push_back(sample.contender);
  return names;
}

std::vector<Point> points_of(const ResultSet& results) {
  std::set<Point> points;
  for (const Sample& sample : results.samples) points.insert(sample.point);
  return {points.begin(), points.end()};
}

std::string last_word(const std::string& contender) {
  const size_t comma = contender.rfind(", ");
  return comma == std::string::npos ? contender : contender.substr(comma + 2);
}

Point without(Point point, const std::string& coordinate) {
  point.erase(coordinate);
  return point;
}

// A metric's values as rows and columns, as they are shown. Rows are points; where there is one point only,
// or none, they are the contenders.
struct Row {
  std::string name;
  std::vector<std::vector<double>> cells;  // samples; none where nothing was measured
};
struct Table {
  std::vector<std::string> columns;
  std::vector<Row> rows;
};

Table by_point(const ResultSet& results, const std::string& metric) {
  const auto values = results.values(metric);
  Table grid{.columns = contenders_of(results), .rows = {}};
  for (const Point& point : points_of(results)) {
    Row row{.name = point_text(point), .cells = {}};
    for (const std::string& contender : grid.columns) {
      const auto found = values.find({contender, point});
      row.cells.push_back(found == values.end() ? std::vector<double>{} : found->second);
    }
    if (std::ranges::any_of(row.cells, [](const auto& cell) { return !cell.empty(); }))
      grid.rows.push_back(std::move(row));
  }
  if (grid.rows.empty()) grid.columns.clear();
  return grid;
}

Table by_contender(const ResultSet& results, const std::vector<std::string>& metrics) {
  Table grid{.columns = {}, .rows = {}};
  for (const std::string& contender : contenders_of(results)) grid.rows.push_back({contender, {}});
  for (const std::string& metric : metrics) {
    const auto values = results.values(metric);
    if (values.empty()) continue;
    grid.columns.push_back(metric);
    for (Row& row : grid.rows) {
      const auto found =
          std::ranges::find_if(values, [&](const auto& one) { return one.first.first == row.name; });
      row.cells.push_back(found == values.end() ? std::vector<double>{} : found->second);
    }
  }
  return grid;
}

struct Titled {
  std::string title;
  Table grid;
};
std::vector<Titled> tables_of(const ResultSet& results, const std::vector<std::string>& metrics) {
  if (points_of(results).size() <= 1) return {{"", by_contender(results, metrics)}};
  std::vector<Titled> tables;
  for (const std::string& metric : metrics)
    if (Table grid = by_point(results, metric); !grid.rows.empty())
      tables.push_back({metric, std::move(grid)});
  return tables;
}

std::string table_html(const Titled& table) {
  std::string html = fmt::format("<table><caption>{}</caption><tr><th></th>", escaped(table.title));
  for (const std::string& column : table.grid.columns) html += fmt::format("<th>{}</th>", escaped(column));
  html += "</tr>\n";
  for (const Row& row : table.grid.rows) {
    html += fmt::format("<tr><td>{}</td>", escaped(row.name));
    for (const std::vector<double>& cell : row.cells) {
      const Spread spread = spread_of(cell);
      html += cell.empty()
                  ? "<td></td>"
                  : fmt::format("<td>{} <small>{}–{}, n {}</small></td>", short_number(spread.median),
                                short_number(spread.low), short_number(spread.high), cell.size());
    }
    html += "</tr>\n";
  }
  return html + "</table>\n";
}

std::string table_text(const Titled& table) {
  size_t first = table.title.size();
  for (const Row& row : table.grid.rows) first = std::max(first, row.name.size());
  std::string text = fmt::format("\n{:<{}}", table.title, first);
  for (const std::string& column : table.grid.columns) text += fmt::format("  {:>12}", column);
  text += "\n";
  for (const Row& row : table.grid.rows) {
    text += fmt::format("{:<{}}", row.name, first);
    for (size_t i = 0; i < row.cells.size(); ++i)
      text +=
          fmt::format("  {:>{}}", row.cells[i].empty() ? "" : short_number(spread_of(row.cells[i]).median),
                      std::max<size_t>(12, table.grid.columns[i].size()));
    text += "\n";
  }
  return text;
}

std::string ratios_html(const std::vector<Ratios>& ratios) {
  if (ratios.empty()) return "";
  std::string html =
      "<table><caption>ratios of medians, in this "
      "run</caption><tr><th>metric</th><th>of</th><th>to</th><th>at</th>"
      "<th>ratio (95 % interval)</th></tr>\n";
  for (const Ratios& one : ratios)
    html +=
        fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                    one.what.metric + (one.what.base.empty() ? "" : " less " + one.what.base),
                    one.what.contender, one.what.against, escaped(point_text(one.point)), text_of(one.value));
  return html + "</table>\n";
}

std::string environment_html(const ResultSet& results) {
  std::string html = "<details><summary>where and with what</summary><dl>\n";
  for (const auto& [name, value] : results.guest)
    html += fmt::format("<dt>{}, in the guest</dt><dd>{}</dd>\n", escaped(name), escaped(value));
  for (const auto& [name, value] : results.header.items())
    if (name != "same" && name != "format")
      html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name),
                          escaped(value.is_string() ? value.get<std::string>() : value.dump()));
  return html + "</dl></details>\n";
}

// The least and the greatest of six are a 97 % interval of the median; of five, one of 94 %.
constexpr size_t kEnoughRepetitions = 6;

bool of_few_repetitions(const ResultSet& results, const ScenarioKind& kind) {
  return std::ranges::any_of(ratios_of(results, kind), [&](const Ratios& one) {
    const auto values = results.values(one.what.metric);
    return std::min(values.at({one.what.contender, one.point}).size(),
                    values.at({one.what.against, one.point}).size()) < kEnoughRepetitions;
  });
}

// The scenario's own, and of how little the intervals are.
std::vector<std::string> caveats_of(const ResultSet& results, const ScenarioKind& kind) {
  std::vector<std::string> all = kind.caveats ? kind.caveats(results) : std::vector<std::string>{};
  if (of_few_repetitions(results, kind))
    all.push_back(fmt::format("intervals of fewer than {} repetitions are narrower than 95 % ones",
                              kEnoughRepetitions));
  std::set<unsigned> boots;
  for (const Sample& sample : results.samples)
    if (sample.boot != 0) boots.insert(sample.boot);
  if (!kind.ratios.empty() && !boots.empty() && boots.size() < kEnoughSamples)
    all.push_back(fmt::format(
        "these intervals are of repetitions within {}, which are alike: from boot to boot figures differ by "
        "more",
        boots.size() == 1 ? "one boot of the lab" : fmt::format("{} boots of the lab", boots.size())));
  return all;
}

// For a shell.
std::string quoted(const std::string& path) {
  std::string text = "'";
  for (const char letter : path) text += letter == '\'' ? "'\\''" : std::string(1, letter);
  return text + "'";
}

Result<void> write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  return file ? Result<void>{} : fail_errno(path, errno);
}

}  // namespace

std::vector<Ratios> ratios_of(const ResultSet& results, const ScenarioKind& kind) {
  std::vector<Ratios> all;
  const ResultSet kept = without_refused(results, kind.refusal);
  for (const Ratio& what : kind.ratios) {
    const auto values = kept.values(what.metric);
    for (const Point& point : points_of(kept))
      if (const auto ratio = ratio_between(values, {what.contender, point}, {what.against, point}, what.base))
        all.push_back({what, point, *ratio});
  }
  return all;
}

std::vector<Chart> charts_of(const ResultSet& results, const ScenarioKind& kind) {
  std::vector<Chart> charts;
  for (const Plot& plot : kind.plots) {
    const auto values = results.values(plot.metric);
    std::map<Point, std::map<std::string, std::vector<ChartPoint>>> by_rest;
    for (const auto& [key, samples] : values) {
      const auto& [contender, point] = key;
      if ((!plot.x.empty() && !point.contains(plot.x)) || contender == plot.base) continue;
      Spread spread = spread_of(samples);
      if (!plot.base.empty()) {
        const auto base = base_at(values, plot.base, point);
        if (!base) continue;
        for (double* value : {&spread.median, &spread.low, &spread.high}) *value -= *base;
      }
      const double x = plot.x.empty() ? 0 : point.at(plot.x);
      // "As fast as it can" has no place among rates.
      if (!plot.x.empty() && plot.log_x && x <= 0) continue;
      by_rest[without(point, plot.x)][contender].push_back({x, spread.median, spread.low, spread.high});
    }
    for (auto& [rest, series] : by_rest) {
      Chart chart{.title = plot.title + (rest.empty() ? "" : " – " + point_text(rest)),
                  .x_label = plot.x.empty() ? "" : plot.x_label,
                  .y_label = plot.y_label,
                  .log_x = plot.log_x,
                  .log_y = plot.log_y,
                  .series = {}};
      for (const std::string& contender : contenders_of(results))
        if (const auto found = series.find(contender); found != series.end()) {
          std::ranges::sort(found->second, {}, &ChartPoint::x);
          chart.series.push_back({contender, found->second, false});
        }
      for (const Published& other : plot.published) {
        if (other.rest != rest) continue;
        chart.series.push_back({other.name, {}, true});
        for (const auto& [x, y] : other.points) chart.series.back().points.push_back({x, y, y, y});
      }
      charts.push_back(std::move(chart));
    }
  }
  return charts;
}

std::vector<StackChart> stack_charts_of(const ResultSet& results, const ScenarioKind& kind) {
  std::vector<StackChart> charts;
  for (const Stack& stack : kind.stacks) {
    // By what is no x, by x, by contender: the medians of the parts.
    std::map<Point, std::map<double, std::map<std::string, std::vector<double>>>> bars;
    for (size_t part = 0; part < stack.parts.size(); ++part)
      for (const auto& [key, samples] : results.values(stack.parts[part].metric)) {
        const auto& [contender, point] = key;
        if (!point.contains(stack.x)) continue;
        auto& parts = bars[without(point, stack.x)][point.at(stack.x)][contender];
        parts.resize(stack.parts.size());
        parts[part] = spread_of(samples).median;
      }
    for (const auto& [rest, groups] : bars) {
      StackChart chart{.title = stack.title + (rest.empty() ? "" : " – " + point_text(rest)),
                       .x_label = stack.x_label,
                       .y_label = stack.y_label,
                       .parts = {},
                       .groups = {}};
      for (const Stack::Part& part : stack.parts) chart.parts.push_back(part.name);
      for (const auto& [x, group] : groups) {
        chart.groups.push_back({short_number(x), {}});
        for (const std::string& contender : contenders_of(results))
          if (const auto found = group.find(contender); found != group.end())
            // There is room for "softirq" of "xdpfwd, softirq".
            chart.groups.back().bars.push_back({last_word(contender), found->second});
      }
      charts.push_back(std::move(chart));
    }
  }
  return charts;
}

std::string csv_of(const ResultSet& results) {
  // "xdpfwd, softirq" is one field.
  const auto field = [](const std::string& name) {
    return name.find(',') == std::string::npos ? name : '"' + name + '"';
  };
  std::set<std::string> coordinates;
  for (const Sample& sample : results.samples)
    for (const auto& [name, value] : sample.point) coordinates.insert(name);
  std::string csv = "scenario,contender";
  for (const std::string& name : coordinates) csv += "," + name;
  csv += ",metric,n,lower_quartile,median,upper_quartile\n";
  for (const std::string& metric : results.metric_names())
    for (const auto& [key, values] : results.values(metric)) {
      const Spread spread = spread_of(values);
      csv += results.scenario + "," + field(key.first);
      for (const std::string& name : coordinates)
        csv += key.second.contains(name) ? fmt::format(",{}", key.second.at(name)) : ",";
      csv += fmt::format(",{},{},{},{},{}\n", metric, values.size(), spread.low, spread.median, spread.high);
    }
  return csv;
}

std::string summary_text(const ResultSet& results, const ScenarioKind& kind) {
  std::string text;
  if (kind.table.empty() || results.samples.empty()) return text;
  for (const auto& [name, value] : results.guest) text += fmt::format("guest's {}: {}\n", name, value);
  for (const Titled& table : tables_of(results, kind.table)) text += table_text(table);
  const std::vector<Ratios> ratios = ratios_of(results, kind);
  if (!ratios.empty()) text += "\nratios of medians in this run (95 % interval)\n";
  for (const Ratios& one : ratios)
    text += fmt::format("{}{}, {} / {}, {}: {}\n", one.what.metric,
                        one.what.base.empty() ? "" : " less " + one.what.base, one.what.contender,
                        one.what.against, point_text(one.point), text_of(one.value));
  if (kind.aims) text += aims_text(kind.aims(results));
  for (const std::string& caveat : caveats_of(results, kind)) text += caveat + "\n";
  return text;
}

Result<std::vector<std::string>> write_report(const std::string& folder) {
  const auto all = read_folder(folder);
  if (!all) return std::unexpected(all.error());
  std::vector<std::string> files;
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
      "charset=\"utf-8\"><title>xdpfwd-bench</title><style>{}</style>"
      "</head><body>\n<h1>xdpfwd-bench</h1>\n<p>Medians, with quartiles and number of samples. Raw samples "
      "are in the "
      ".jsonl files beside this page.</p>\n",
      kStyle);
  const bool can_convert = static_cast<bool>(run("command -v rsvg-convert"));
  for (const ResultSet& results : *all) {
    const ScenarioKind* known = find_scenario(results.scenario);
    const ScenarioKind kind =
        known != nullptr ? *known : ScenarioKind{.name = results.scenario, .summary = "", .run = {}};
    html += fmt::format("<h2>{}</h2>\n<p>{}</p>\n", escaped(results.scenario), escaped(kind.summary));
    if (!results.complete) html += "<p><b>This scenario was interrupted: not all was measured.</b></p>\n";
    for (const auto& [contender, why] : results.absent)
      html += fmt::format("<p>Left out: {}: {}</p>\n", escaped(contender), escaped(why));
    for (const std::string& caveat : caveats_of(results, kind))
      html += fmt::format("<p>{}</p>\n", escaped(caveat));
    if (kind.aims) html += aims_html(kind.aims(results));
    size_t number = 0;
    std::vector<std::string> svgs;
    for (const Chart& chart : charts_of(results, kind)) svgs.push_back(svg_of(chart));
    for (const StackChart& chart : stack_charts_of(results, kind)) svgs.push_back(svg_of(chart));
    for (const std::string& svg : svgs) {
      html += svg;
      const std::string base = fmt::format("{}/{}-{}", folder, results.scenario, ++number);
      if (auto written = write_text(base + ".svg", svg); !written) return std::unexpected(written.error());
      files.push_back(base + ".svg");
      if (!can_convert) continue;
      if (auto converted =
              run(fmt::format("rsvg-convert -z 2 {} -o {}", quoted(base + ".svg"), quoted(base + ".png")));
          !converted)
        return std::unexpected(converted.error());
      files.push_back(base + ".png");
    }
    html += ratios_html(ratios_of(results, kind));
    const std::set<std::string> names = results.metric_names();
    for (const Titled& table : tables_of(
             results, kind.table.empty() ? std::vector<std::string>(names.begin(), names.end()) : kind.table))
      html += table_html(table);
    html += environment_html(results);
    const std::string csv = fmt::format("{}/{}.csv", folder, results.scenario);
    if (auto written = write_text(csv, csv_of(results)); !written) return std::unexpected(written.error());
    files.push_back(csv);
  }
  html += "</body></html>\n";
  if (auto written = write_text(folder + "/report.html", html); !written)
    return std::unexpected(written.error());
  files.insert(files.begin(), folder + "/report.html");
  if (!can_convert)
    files.push_back("(no PNG: rsvg-convert is not installed; deploy/dependencies.sh bench installs it)");
  return files;
}

}  // namespace xdpfwd::bench

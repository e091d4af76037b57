// SPDX-License-Identifier: BSD-2-Clause
#include "bench/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace xdpfwd::bench {
namespace {

constexpr double kWidth = 760;
constexpr double kHeight = 400;
constexpr double kLeft = 70;
constexpr double kRight = 590;  // the legend is to the right of it
constexpr double kTop = 36;
constexpr double kBottom = 350;
constexpr double kNames = 90;  // of bars, under them
// Okabe and Ito: told apart by everybody.
constexpr std::array<const char*, 12> kColours = {"#0072b2", "#56b4e9", "#009e73", "#66c2a5",
                                                  "#d55e00", "#e69f00", "#cc79a7", "#7f7f7f",
                                                  "#000000", "#bcbd22", "#7f3b08", "#542788"};

struct Axis {
  double low = 0;
  double high = 1;
  bool log = false;
  double from = 0;  // pixels
  double to = 1;

  [[nodiscard]] double at(double value) const {
    const double share =
        log ? (std::log10(std::max(value, low)) - std::log10(low)) / (std::log10(high) - std::log10(low))
            : (value - low) / (high - low);
    return from + (to - from) * std::clamp(share, 0.0, 1.0);
  }
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> ticks;
    if (log) {
      for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high * 1.001; decade *= 10)
        for (const double step : {1.0, 2.0, 5.0})
          if (decade * step >= low * 0.999 && decade * step <= high * 1.001) ticks.push_back(decade * step);
      return ticks;
    }
    const double rough = (high - low) / 6;
    const double magnitude = std::pow(10, std::floor(std::log10(rough)));
    double step = magnitude;
    for (const double factor : {1.0, 2.0, 5.0, 10.0})
      if (magnitude * factor >= rough) {
        step = magnitude * factor;
        break;
      }
    for (double tick = std::ceil(low / step) * step; tick <= high * 1.0001; tick += step)
      ticks.push_back(tick);
    return ticks;
  }
};

Axis axis_of(std::vector<double> values, bool log, double from, double to, bool from_zero) {
  std::erase_if(values, [&](double value) { return !std::isfinite(value) || (log && value <= 0); });
  Axis axis{.log = log, .from = from, .to = to};
  if (values.empty()) return axis;
  const auto [low, high] = std::ranges::minmax(values);
  axis.low = log ? low * 0.9 : from_zero ? std::min(0.0, low) : low;
  axis.high = log ? high * 1.1 : high * (from_zero ? 1.05 : 1.0);
  if (axis.high <= axis.low) axis.high = axis.low + 1;
  return axis;
}

std::string text_at(double x, double y, const std::string& text, const char* more) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, more, escaped(text));
}

std::string line(double x1, double y1, double x2, double y2, const std::string& more) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2, y2,
                     more);
}

std::string begin_svg(const std::string& title) {
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
             "font-family=\"DejaVu Sans, sans-serif\" font-size=\"11\">\n<rect width=\"{0}\" height=\"{1}\" "
             "fill=\"#fff\"/>\n",
             kWidth, kHeight) +
         text_at(kLeft, 20, title, "font-size=\"14\" font-weight=\"bold\"");
}

std::string legend(const std::vector<std::string>& names) {
  std::string svg;
  for (size_t i = 0; i < names.size(); ++i) {
    const double at = kTop + 10 + 18 * static_cast<double>(i);
    svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"12\" fill=\"{}\"/>\n",
                       kRight + 16, at - 10, kColours[i % kColours.size()]);
    svg += text_at(kRight + 34, at, names[i], "");
  }
  return svg;
}

std::string y_axis(const Axis& y, const std::string& label) {
  std::string svg;
  for (const double tick : y.ticks()) {
    svg += line(kLeft, y.at(tick), kRight, y.at(tick), "stroke=\"#e0e0e0\"");
    svg += text_at(kLeft - 6, y.at(tick) + 4, short_number(tick), "text-anchor=\"end\"");
  }
  return svg + fmt::format(
                   "<text transform=\"translate(16 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                   (kTop + kBottom) / 2, escaped(label));
}

std::string draw_lines(const Chart& chart, const Axis& y) {
  std::vector<double> xs;
  for (const ChartSeries& series : chart.series)
    for (const ChartPoint& point : series.points) xs.push_back(point.x);
  const Axis x = axis_of(xs, chart.log_x, kLeft, kRight, false);
  std::string svg;
  for (const double tick : x.ticks()) {
    svg += line(x.at(tick), kBottom, x.at(tick), kBottom + 4, "stroke=\"#444\"");
    svg += text_at(x.at(tick), kBottom + 18, short_number(tick), "text-anchor=\"middle\"");
  }
  svg += text_at((kLeft + kRight) / 2, kBottom + 38, chart.x_label, "text-anchor=\"middle\"");
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const std::string colour = kColours[i % kColours.size()];
    std::string path;
    for (const ChartPoint& point : chart.series[i].points) {
      path += fmt::format("{}{:.1f} {:.1f} ", path.empty() ? "M" : "L", x.at(point.x), y.at(point.y));
      svg += line(x.at(point.x), y.at(point.low), x.at(point.x), y.at(point.high),
                  fmt::format("stroke=\"{}\" stroke-width=\"1\"", colour));
      svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", x.at(point.x),
                         y.at(point.y), colour);
    }
    svg += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{}/>\n", path, colour,
                       chart.series[i].dashed ? " stroke-dasharray=\"6 4\"" : "");
  }
  return svg;
}

std::string draw_bars(const Chart& chart, const Axis& y) {
  std::string svg;
  const double slot = (kRight - kLeft) / static_cast<double>(std::max<size_t>(1, chart.series.size()));
  for (size_t i = 0; i < chart.series.size(); ++i) {
    if (chart.series[i].points.empty()) continue;
    const ChartPoint& point = chart.series[i].points.front();
    const double left = kLeft + slot * (static_cast<double>(i) + 0.2);
    const double middle = left + slot * 0.3;
    svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n",
                       left, y.at(point.y), slot * 0.6, std::max(0.0, kBottom - y.at(point.y)),
                       kColours[i % kColours.size()]);
    svg += line(middle, y.at(point.low), middle, y.at(point.high), "stroke=\"#222\"");
    svg += text_at(middle, y.at(point.high) - 5, short_number(point.y), "text-anchor=\"middle\"");
  }
  return svg;
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string short_number(double value) {
  const double size = std::abs(value);
  if (size >= 999'950) return fmt::format("{:.4g}M", value / 1e6);
  if (size >= 10'000) return fmt::format("{:.4g}k", value / 1e3);
  if (size >= 100) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

std::string svg_of(const StackChart& chart) {
  std::vector<double> sums;
  size_t bars = 0;
  for (const StackGroup& group : chart.groups)
    for (const StackBar& bar : group.bars) {
      sums.push_back(std::accumulate(bar.parts.begin(), bar.parts.end(), 0.0));
      ++bars;
    }
  const Axis y = axis_of(sums, false, kBottom - kNames, kTop, true);
  std::string svg = begin_svg(chart.title) + y_axis(y, chart.y_label);
  // Between two groups is room for a bar.
  const double slot = (kRight - kLeft) / static_cast<double>(std::max<size_t>(1, bars + chart.groups.size()));
  double left = kLeft + slot / 2;
  for (const StackGroup& group : chart.groups) {
    const double middle = left + slot * static_cast<double>(group.bars.size()) / 2;
    svg += text_at(middle, kBottom + 18, group.name, "text-anchor=\"middle\"");
    for (const StackBar& bar : group.bars) {
      double from = 0;
      for (size_t part = 0; part < bar.parts.size(); ++part) {
        const double to = from + bar.parts[part];
        svg += fmt::format(
            "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n",
            left + slot * 0.1, y.at(to), slot * 0.8, y.at(from) - y.at(to), kColours[part % kColours.size()]);
        from = to;
      }
      svg += fmt::format(
          "<text transform=\"translate({:.1f} {:.1f}) rotate(-90)\" text-anchor=\"end\">{}</text>\n",
          left + slot / 2 + 4, kBottom - kNames + 6, escaped(bar.name));
      left += slot;
    }
    left += slot;
  }
  svg += line(kLeft, kTop, kLeft, y.from, "stroke=\"#444\"") +
         line(kLeft, y.from, kRight, y.from, "stroke=\"#444\"");
  svg += text_at((kLeft + kRight) / 2, kBottom + 38, chart.x_label, "text-anchor=\"middle\"");
  return svg + legend(chart.parts) + "</svg>\n";
}

std::string svg_of(const Chart& chart) {
  std::vector<double> ys;
  for (const ChartSeries& series : chart.series)
    for (const ChartPoint& point : series.points) ys.insert(ys.end(), {point.low, point.y, point.high});
  const Axis y = axis_of(ys, chart.log_y, kBottom, kTop, true);
  std::string svg = begin_svg(chart.title) + y_axis(y, chart.y_label);
  svg += line(kLeft, kTop, kLeft, kBottom, "stroke=\"#444\"") +
         line(kLeft, kBottom, kRight, kBottom, "stroke=\"#444\"");
  svg += chart.x_label.empty() ? draw_bars(chart, y) : draw_lines(chart, y);
  std::vector<std::string> names;
  for (const ChartSeries& series : chart.series) names.push_back(series.name);
  return svg + legend(names) + "</svg>\n";
}

}  // namespace xdpfwd::bench

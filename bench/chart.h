// SPDX-License-Identifier: BSD-2-Clause
// A chart as SVG text: lines over an axis, or bars, with their quartiles; or bars of parts. It knows nothing
// of benchmarks.
#pragma once

#include <string>
#include <vector>

namespace xdpfwd::bench {

struct ChartPoint {
  double x = 0;  // of bars: not looked at
  double y = 0;
  double low = 0;  // the error bar
  double high = 0;
};

struct ChartSeries {
  std::string name;
  std::vector<ChartPoint> points;
  bool dashed = false;
};

struct Chart {
  std::string title;
  std::string x_label;  // empty: bars, one a series
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
  std::vector<ChartSeries> series;
};

// Bars in groups, each of parts that are put on top of each other.
struct StackBar {
  std::string name;
  std::vector<double> parts;  // as many as the chart has names for
};

struct StackGroup {
  std::string name;
  std::vector<StackBar> bars;
};

struct StackChart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<std::string> parts;
  std::vector<StackGroup> groups;
};

std::string svg_of(const Chart& chart);
std::string svg_of(const StackChart& chart);
// "25k", "1.5M"
std::string short_number(double value);
// < > & " as HTML and SVG want them.
std::string escaped(const std::string& text);

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace xdpfwd::pktgen {
namespace {

constexpr double kLowest = 1000;

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double percent_off(double pps, double asked) {
  return (pps / asked - 1) * 100;
}

}  // namespace

std::vector<double> ladder_rates(double maximum) {
  std::vector<double> rates;
  for (double decade = kLowest; decade <= maximum; decade *= 10)
    for (const double step : {1.0, 2.0, 5.0})
      if (decade * step <= maximum) rates.push_back(decade * step);
  rates.push_back(0);
  return rates;
}

void LadderTable::add(const SendReport& report) {
  // As fast as possible is the last step.
  Step& step = steps_[report.asked_pps > 0 ? report.asked_pps : HUGE_VAL];
  step.pps.push_back(report.pps());
  step.unsent += report.unsent;
  step.refused += report.refused;
}

std::string LadderTable::text() const {
  std::string text = fmt::format("{:>10} {:>12} {:>12} {:>10} {:>12} {:>12}", "ASKED PPS", "SENT PPS",
                                 "DEVIATION %", "WORST %", "UNSENT", "REFUSED");
  for (const auto& [asked, step] : steps_) {
    const double sent = median(step.pps);
    text +=
        fmt::format("\n{:>10} {:>12.1f}", asked < HUGE_VAL ? fmt::format("{:.0f}", asked) : "maximum", sent);
    if (asked < HUGE_VAL) {
      const double worst =
          std::ranges::max(step.pps, {}, [&](double pps) { return std::abs(percent_off(pps, asked)); });
      text += fmt::format(" {:>+12.2f} {:>+10.2f}", percent_off(sent, asked), percent_off(worst, asked));
    } else {
      text += fmt::format(" {:>12} {:>10}", "-", "-");
    }
    text += fmt::format(" {:>12} {:>12}", step.unsent, step.refused);
  }
  return text;
}

}  // namespace xdpfwd::pktgen

// SPDX-License-Identifier: BSD-2-Clause
#include "bench/latency_figures.h"

#include <array>
#include <utility>

namespace xdpfwd::bench {
namespace {

constexpr double kLeastBeyond = 10;
constexpr std::array<std::pair<const char*, double>, 4> kPercentiles = {
    {{"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}, {"p9999_us", 0.9999}}};

double microseconds(uint64_t ns) {
  return static_cast<double>(ns) / 1000;
}

}  // namespace

Metrics latency_figures(const pktgen::Histogram& latency_ns) {
  if (latency_ns.count() == 0) return {};
  Metrics metrics = {{"p50_us", microseconds(latency_ns.percentile(0.5))},
                     {"max_us", microseconds(latency_ns.max())}};
  for (const auto& [name, fraction] : kPercentiles)
    if (static_cast<double>(latency_ns.count()) * (1 - fraction) >= kLeastBeyond)
      metrics[name] = microseconds(latency_ns.percentile(fraction));
  return metrics;
}

}  // namespace xdpfwd::bench

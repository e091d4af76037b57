// SPDX-License-Identifier: BSD-2-Clause
#include "bench/significance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "bench/statistics.h"

namespace xdpfwd::bench {
namespace {

constexpr size_t kMostExact = 20;

// How many ways there are to pick n of n + m ranks with each value of U, from 0 to n * m.
std::vector<double> ways_of_u(size_t n, size_t m) {
  // ways[i][u]: i of the first sample among the ranks seen so far.
  std::vector<std::vector<double>> ways(n + 1, std::vector<double>(n * m + 1, 0));
  ways[0][0] = 1;
  for (size_t rank = 1; rank <= n + m; ++rank)
    for (size_t i = std::min(rank, n); i >= 1; --i) {
      // The rank-th smallest is the i-th of the first sample: it has rank - i of the second below it.
      if (rank - i > m) continue;
      const size_t gain = rank - i;
      for (size_t u = n * m + 1; u-- > gain;) ways[i][u] += ways[i - 1][u - gain];
    }
  return ways[n];
}

}  // namespace

double mann_whitney_p(const std::vector<double>& a, const std::vector<double>& b) {
  const size_t n = a.size();
  const size_t m = b.size();
  if (n == 0 || m == 0) return 1;
  std::vector<std::pair<double, bool>> all;  // value, of a
  all.reserve(n + m);
  for (const double value : a) all.emplace_back(value, true);
  for (const double value : b) all.emplace_back(value, false);
  std::ranges::sort(all);
  double rank_sum = 0;
  double tie_term = 0;
  for (size_t i = 0; i < all.size();) {
    size_t end = i;
    while (end < all.size() && all[end].first == all[i].first) ++end;
    const auto tied = static_cast<double>(end - i);
    const double rank = (static_cast<double>(i + 1) + static_cast<double>(end)) / 2;
    tie_term += tied * tied * tied - tied;
    for (; i < end; ++i)
      if (all[i].second) rank_sum += rank;
  }
  const auto dn = static_cast<double>(n);
  const auto dm = static_cast<double>(m);
  const double u = rank_sum - dn * (dn + 1) / 2;
  if (tie_term == 0 && n <= kMostExact && m <= kMostExact) {
    const std::vector<double> ways = ways_of_u(n, m);
    const double total = std::accumulate(ways.begin(), ways.end(), 0.0);
    const auto smaller = static_cast<size_t>(std::lround(std::min(u, dn * dm - u)));
    const double tail =
        std::accumulate(ways.begin(), ways.begin() + static_cast<std::ptrdiff_t>(smaller) + 1, 0.0);
    return std::min(1.0, 2 * tail / total);
  }
  const double count = dn + dm;
  const double variance = dn * dm / 12 * (count + 1 - tie_term / (count * (count - 1)));
  if (variance <= 0) return 1;
  const double z = std::max(0.0, std::abs(u - dn * dm / 2) - 0.5) / std::sqrt(variance);
  return std::erfc(z / std::sqrt(2.0));
}

RatioInterval bootstrap_ratio(const std::vector<double>& a, const std::vector<double>& b,
                              const std::vector<double>& base) {
  const double taken_off = base.empty() ? 0 : quantile(base, 0.5);
  const double divisor = quantile(a, 0.5) - taken_off;
  if (a.empty() || b.empty() || divisor == 0) return {NAN, NAN, NAN, 0};
  constexpr int kResamples = 2000;
  std::mt19937_64 random(1);
  const auto resampled_median = [&](const std::vector<double>& from) {
    std::vector<double> picked;
    picked.reserve(from.size());
    for (size_t i = 0; i < from.size(); ++i) picked.push_back(from[random() % from.size()]);
    return quantile(std::move(picked), 0.5);
  };
  std::vector<double> ratios;
  for (int i = 0; i < kResamples; ++i) {
    const double less = base.empty() ? 0 : resampled_median(base);
    const double below = resampled_median(a) - less;
    const double above = resampled_median(b) - less;
    if (below != 0) ratios.push_back(above / below);
  }
  return {(quantile(b, 0.5) - taken_off) / divisor, quantile(ratios, 0.025), quantile(ratios, 0.975),
          std::min(a.size(), b.size())};
}

std::string text_of(const RatioInterval& interval) {
  if (interval.samples == 1) return fmt::format("{:.3f} (once)", interval.ratio);
  return fmt::format("{:.3f} ({:.3f} to {:.3f})", interval.ratio, interval.low, interval.high);
}

std::vector<double> false_discovery_rates(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](size_t x, size_t y) { return p[x] < p[y]; });
  std::vector<double> rates(p.size(), 1);
  double least = 1;
  for (size_t i = order.size(); i-- > 0;) {
    least = std::min(least, p[order[i]] * static_cast<double>(p.size()) / static_cast<double>(i + 1));
    rates[order[i]] = least;
  }
  return rates;
}

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
#include "packer/bin_packing.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

namespace xdpfwd::packer {
namespace {

constexpr float kRounding = 1e-5F;  // 0.7 and 0.3 fit in 1

}  // namespace

Packing best_fit_decreasing(std::span<const float> loads, float bin) {
  Packing packing{.bin_of = std::vector<size_t>(loads.size())};
  std::vector<size_t> order(loads.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return loads[i]; });
  std::multimap<float, size_t> room;  // of each bin
  for (const size_t i : order) {
    if (!(loads[i] > 0)) break;
    auto fit = room.lower_bound(loads[i] - kRounding);
    size_t chosen = packing.bins;
    float left = bin - loads[i];
    if (fit != room.end()) {
      chosen = fit->second;
      left = fit->first - loads[i];
      room.erase(fit);
    } else {
      ++packing.bins;
    }
    packing.bin_of[i] = chosen;
    room.emplace(left, chosen);
  }
  return packing;
}

size_t fewest_bins(std::span<const float> loads, float bin) {
  double sum = 0;
  size_t large = 0;
  for (const float load : loads) {
    sum += static_cast<double>(std::min(std::max(load, 0.0F), bin));
    if (load > bin / 2) ++large;
  }
  // A sum that is whole bins but for rounding needs no other bin.
  return std::max(large, static_cast<size_t>(std::ceil(sum / static_cast<double>(bin) - 1e-6)));
}

}  // namespace xdpfwd::packer

// SPDX-License-Identifier: BSD-2-Clause
#include "packer/model/delays.h"

#include <algorithm>
#include <cmath>

namespace xdpfwd::packer {
namespace {

constexpr double kShortest = 0.1;  // us
constexpr double kPerDecade = 40;
constexpr double kFullest = 0.999;

double wait_of(size_t bin) {
  return kShortest * std::pow(10, (static_cast<double>(bin) + 0.5) / kPerDecade);
}

}  // namespace

void Delays::keeping_up(double load, double frames) {
  const double position = std::clamp(load, 0.0, kFullest) * kLoads;
  by_load_[std::min(static_cast<size_t>(position), kLoads - 1)] += frames;
}

void Delays::behind(double wait_us, double frames) {
  const double position = kPerDecade * std::log10(std::max(wait_us, kShortest) / kShortest);
  by_wait_[std::min(static_cast<size_t>(position), kWaits - 1)] += frames;
}

double Delays::longer_than(double wait_us) const {
  double longer = 0;
  double all = 0;
  for (size_t i = 0; i < kLoads; ++i) {
    const double load = std::min((static_cast<double>(i) + 0.5) / kLoads, kFullest);
    longer += by_load_[i] * load * std::exp(-wait_us * (1 - load) / service_us_);
    all += by_load_[i];
  }
  for (size_t i = 0; i < kWaits; ++i) {
    longer += wait_of(i) > wait_us ? by_wait_[i] : 0;
    all += by_wait_[i];
  }
  return all > 0 ? longer / all : 0;
}

double Delays::quantile(double share) const {
  double low = 0;
  double high = 1e9;
  if (longer_than(low) <= 1 - share) return 0;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (longer_than(middle) > 1 - share ? low : high) = middle;
  }
  return high;
}

}  // namespace xdpfwd::packer

// SPDX-License-Identifier: BSD-2-Clause
#include "packer/demand.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace xdpfwd::packer {
namespace {

constexpr uint32_t kHighestLevel = 8;
constexpr uint64_t kOneRise = 8;     // intervals: surprises that follow this closely are one
constexpr float kRecurrence = 0.8F;  // of the remembered peak: it came again

float share(float value) {
  return std::isfinite(value) ? std::clamp(value, 0.0F, 1.0F) : 0.0F;
}

}  // namespace

float Demand::window_peak() const {
  return *std::ranges::max_element(std::span(profile_).first(kWindow));
}

uint64_t Demand::memory() const {
  return level_ == 0 ? 0 : kWindow << (level_ - 1);
}

void Demand::observe(const NapiLoad& load, bool starved, uint64_t now) {
  const float sample = share(load.busy);
  if (now_ == 0) {
    std::ranges::fill(std::span(profile_).first(kWindow), sample);
    last_ = sample;
  }
  const float known = std::max(window_peak(), peak_);
  const bool rising = sample > known * 1.1F + 0.02F;
  float expected = sample;
  // It goes on as steeply.
  if (rising) expected = share(sample + (sample - last_));
  // It would have run for all the time that it waited, and nobody knows how much longer.
  if (starved) expected = std::max(expected, share(sample + share(load.waiting)));
  now_ = now;
  profile_[now_ % kWindow] = sample;
  last_ = sample;
  remember(sample, rising);
  profile_[kExpected] = expected;
  profile_[kMeasured] = sample;
  const auto window = std::span(profile_).first(kWindow);
  profile_[kMean] = std::accumulate(window.begin(), window.end(), 0.0F) / kWindow;
  profile_[kRemembered] = std::max(sample, peak_);
}

void Demand::remember(float sample, bool surprise) {
  if (surprise) {
    const bool again = surprised_ != 0 && now_ < watched_until_ && now_ - surprised_ > kOneRise;
    if (level_ == 0 || again) level_ = std::min(level_ + 1, kHighestLevel);
    surprised_ = now_;
  } else if (level_ > 0 && now_ >= watched_until_ && now_ >= held_until_) {
    --level_;
    watched_until_ = now_ + 4 * memory();
  }
  if (surprise || (now_ < held_until_ && sample > kRecurrence * peak_)) {
    held_until_ = now_ + memory();
    watched_until_ = held_until_ + 4 * memory();
  }
  peak_ = now_ < held_until_ ? std::max(peak_, sample) : 0;
}

}  // namespace xdpfwd::packer

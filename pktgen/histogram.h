// SPDX-License-Identifier: BSD-2-Clause
// A histogram of durations with a bounded relative error: 64 linear buckets for each power of two. Recording
// is a shift and an increment. A percentile is the middle of its bucket, so it is off by less than 1 %.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace xdpfwd::pktgen {

class Histogram {
 public:
  static constexpr unsigned kSubBits = 6;
  static constexpr uint64_t kSubBuckets = 1U << kSubBits;

  void record(uint64_t value) {
    ++buckets_[index_of(value)];
    ++count_;
    max_ = std::max(max_, value);
    min_ = std::min(min_, value);
  }

  void merge(const Histogram& other) {
    for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
    min_ = std::min(min_, other.min_);
  }

  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] uint64_t max() const { return max_; }  // exact
  [[nodiscard]] uint64_t min() const { return count_ == 0 ? 0 : min_; }

  // The value that `fraction` (0..1) of the recorded values do not exceed; 0 when there are none.
  [[nodiscard]] uint64_t percentile(double fraction) const {
    if (count_ == 0) return 0;
    const double wanted = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_);
    uint64_t seen = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted) return std::clamp(middle_of(i), min_, max_);
    }
    return max_;
  }

  // Values below kSubBuckets have a bucket each; above, a bucket is 1/64 of its power of two wide.
  static constexpr size_t index_of(uint64_t value) {
    if (value < kSubBuckets) return static_cast<size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
    return static_cast<size_t>(shift * kSubBuckets + (value >> shift));
  }
  static constexpr uint64_t middle_of(size_t index) {
    if (index < 2 * kSubBuckets) return index;
    const unsigned shift = static_cast<unsigned>(index / kSubBuckets) - 1;
    const uint64_t first = (index - shift * kSubBuckets) << shift;
    return first + (uint64_t{1} << shift) / 2;
  }

 private:
  static constexpr size_t kBuckets = (64 - kSubBits + 1) * kSubBuckets;
  std::vector<uint64_t> buckets_ = std::vector<uint64_t>(kBuckets);
  uint64_t count_ = 0;
  uint64_t max_ = 0;
  uint64_t min_ = UINT64_MAX;
};

}  // namespace xdpfwd::pktgen

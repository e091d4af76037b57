// SPDX-License-Identifier: BSD-2-Clause
// Packing loads into bins of one size, with everything known: best fit decreasing, and what no packing can go
// below. What the packer is measured against.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace xdpfwd::packer {

struct Packing {
  std::vector<size_t> bin_of;  // of each load that is not 0; those that are get bin 0
  size_t bins = 0;             // used
};

// A load greater than a bin gets one for itself. Never more than 11/9 of the fewest possible, and one.
Packing best_fit_decreasing(std::span<const float> loads, float bin);

// At least this many bins: those that no other load of more than half a bin can share, and the sum.
size_t fewest_bins(std::span<const float> loads, float bin);

}  // namespace xdpfwd::packer

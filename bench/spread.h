// SPDX-License-Identifier: BSD-2-Clause
// Some rows of many, when there are fewer frames than rows.
#pragma once

#include <cstddef>
#include <numeric>
#include <vector>

namespace xdpfwd::bench {

// At most so many of the rows, evenly spread. Those of the turns 0, 1, 2, ... together are all rows, each as
// soon as that many can be.
inline std::vector<size_t> spread_rows(size_t rows, size_t most, size_t turn) {
  std::vector<size_t> some(most < rows ? most : rows);
  std::iota(some.begin(), some.end(), size_t{0});
  if (some.size() == rows) return some;
  const size_t offset = turn * most % rows;
  for (size_t& row : some) row = (row * rows + offset) / most;
  return some;
}

}  // namespace xdpfwd::bench

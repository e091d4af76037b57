// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/pace.h"

namespace xdpfwd::pktgen {

const std::array<uint32_t, PKTGEN_GAPS>& poisson_gaps_q16() {
  static const std::array<uint32_t, PKTGEN_GAPS> gaps = [] {
    std::array<uint32_t, PKTGEN_GAPS> table{};
    for (size_t i = 0; i < table.size(); ++i) {
      const double middle = (static_cast<double>(i) + 0.5) / PKTGEN_GAPS;
      table[i] = static_cast<uint32_t>(std::lround(-std::log1p(-middle) * 65536));
    }
    return table;
  }();
  return gaps;
}

}  // namespace xdpfwd::pktgen

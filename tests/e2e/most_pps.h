// SPDX-License-Identifier: BSD-2-Clause
// At how many frames a second events happen, at most: a test's own choice, or XDPFWD_MOST_PPS for a
// measurement.
#pragma once

#include <cstdlib>

namespace xdpfwd::test {

inline double most_pps(double otherwise) {
  const char* wanted = std::getenv("XDPFWD_MOST_PPS");
  const double pps = wanted ? std::strtod(wanted, nullptr) : 0;
  return pps > 0 ? pps : otherwise;
}

}  // namespace xdpfwd::test

// SPDX-License-Identifier: BSD-2-Clause
// A ladder of rates: which they are, and the table of what was sent at each of them. Numbers only; it sends
// nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pktgen/sender.h"

namespace xdpfwd::pktgen {

// 1000, 2000, 5000, 10 000 and so on, while not above `maximum`; and at last 0: as fast as possible.
std::vector<double> ladder_rates(double maximum);

// Rate by rate, the median of all runs at it, and the run that was furthest from the rate.
class LadderTable {
 public:
  void add(const SendReport& report);
  [[nodiscard]] std::string text() const;

 private:
  struct Step {
    std::vector<double> pps;
    uint64_t unsent = 0;
    uint64_t refused = 0;
  };
  std::map<double, Step> steps_;  // by the rate asked for
};

}  // namespace xdpfwd::pktgen

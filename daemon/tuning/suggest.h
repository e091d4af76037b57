// SPDX-License-Identifier: BSD-2-Clause
// How long a NIC should hold transmit interrupts back, from what it did with several values under the same
// load: the walk that J. Kicinski does by hand ("IRQ coalescing", 2024). Setting the values is the shell's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/effect_report.h"
#include "tuning/coalescing.h"

namespace xdpfwd {

// The values to try, in order: the present one first and last, so that a load that changes meanwhile is seen.
std::vector<uint32_t> tx_walk(uint32_t present, const TxBound& bound, bool zero);

// `rungs` are by the walk's values.
SuggestReport suggest_tx(const std::string& device, const std::string& driver, uint32_t present,
                         std::vector<TxRung> rungs, const TxBound& bound);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// How long a NIC may hold its interrupts back: the profiles' values, and the bound that TCP sets to transmit
// completions. Which NIC and queue gets which profile is left to desire.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/setting.h"
#include "tuning/remark.h"

namespace xdpfwd {

// Microseconds and frames, whichever comes first. Adaptive moderation is off with all of them.
struct Coalescing {
  uint32_t rx_usecs = 0;
  uint32_t rx_frames = 0;
  uint32_t tx_usecs = 0;
  uint32_t tx_frames = 0;
  bool operator==(const Coalescing&) const = default;
};

// Before the bound below. Not for kNone.
Coalescing coalescing_of(Profile profile);

struct TxBound {
  uint32_t usecs = 0;
  std::string why;  // with the numbers it was made from
};

// The longest that transmit completions may safely wait. TCP small queues lets a socket have
// tcp_limit_output_bytes in a NIC that are not completed; in the time in which the link sends that many, a
// lone flow runs dry. Half of that time, for scheduling and timers; and never more than 200 us, beyond which
// little is gained (J. Kicinski, "IRQ coalescing", 2024). `speed_mbps` 0: not known, taken for 100 Gb/s.
// `tcp_limit_output_bytes` 0: not known, taken for 1 MiB, the smallest default of kernels that XDP runs on.
TxBound tx_bound(uint64_t tcp_limit_output_bytes, uint32_t speed_mbps);

// A value for one of the knobs from kAdaptiveRx to kTxFrames.
struct CoalescingValue {
  Knob knob = Knob::kRxUsecs;
  std::string value;
  std::string reason;
};

// For a NIC or queue with `profile`. What is not in the answer is to be left alone. `own_profile`: a guest's
// own, which goes before the values that [tuning] gives. What is refused or has no effect goes to `remarks`,
// about `device`.
std::vector<CoalescingValue> choose_coalescing(const TuningSettings& tuning, Profile profile,
                                               bool own_profile, const TxBound& bound,
                                               const std::string& device, std::vector<Remark>& remarks);

// "latency", ... for messages.
std::string profile_name(Profile profile);

}  // namespace xdpfwd

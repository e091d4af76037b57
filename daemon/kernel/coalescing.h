// SPDX-License-Identifier: BSD-2-Clause
// Coalescing of a NIC (netlink) and of one of its queues (ioctl, ETHTOOL_PERQUEUE): the six values that we
// set, each by itself. Netlink takes one and keeps the others; the ioctl takes all, so the others are sent
// as they were read.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/setting.h"
#include "kernel/ethtool.h"
#include "kernel/ethtool_family.h"

struct ethtool_coalesce;

namespace xdpfwd {

inline constexpr auto kCoalescingKnobs = std::to_array(
    {Knob::kAdaptiveRx, Knob::kAdaptiveTx, Knob::kRxUsecs, Knob::kRxFrames, Knob::kTxUsecs, Knob::kTxFrames});
[[nodiscard]] bool is_coalescing(Knob knob);

// By the place of the knob in kCoalescingKnobs; what the driver does not have is not there. Switches are
// 0, 1.
using Coalescing = std::array<std::optional<uint32_t>, kCoalescingKnobs.size()>;
[[nodiscard]] std::optional<std::string> text_in(const Coalescing& coalescing, Knob knob);

Result<Coalescing> read_coalescing(EthtoolFamily& ethtool, uint32_t ifindex);
Result<void> set_coalescing(EthtoolFamily& ethtool, uint32_t ifindex, Knob knob, std::string_view value);

// Of queues `first` to `first + count - 1`. The ioctl tells all six whether the driver has them or not.
Result<std::vector<Coalescing>> read_queue_coalescing(Ethtool& ethtool, const InterfaceName& device,
                                                      uint32_t first, uint32_t count);
Result<void> set_queue_coalescing(Ethtool& ethtool, const InterfaceName& device, uint32_t queue, Knob knob,
                                  std::string_view value);

// Pure: what a driver's answer means.
Coalescing coalescing_of(const EthtoolNumbers& answer);
Coalescing coalescing_of(const ethtool_coalesce& answer);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/host_facts.h"

#include <algorithm>

namespace xdpfwd {

const DeviceFacts* find_device(const HostFacts& facts, uint32_t ifindex) {
  const auto at = std::ranges::find(facts.devices, ifindex, &DeviceFacts::ifindex);
  return at == facts.devices.end() ? nullptr : &*at;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The generic netlink family "netdev" (kernel 6.3 and later): what a driver's XDP can do, and which NAPI and
// interrupt serve a queue (6.8 and later).
#pragma once

#include <optional>
#include <vector>

#include "core/setting.h"
#include "kernel/generic_family.h"
#include "kernel/napi_instance.h"

namespace xdpfwd {

class NetdevFamily {
 public:
  // Succeeds on kernels without the family too: then no device has anything.
  static Result<NetdevFamily> open();
  // The driver gives XDP programs the VLAN tag (bpf_xdp_metadata_rx_vlan_tag; 6.8 and later).
  bool has_vlan_hint(uint32_t ifindex);
  // What the driver's XDP can do, as NETDEV_XDP_ACT_* bits; nothing where the kernel does not tell
  // (before 6.3).
  std::optional<uint64_t> xdp_features(uint32_t ifindex);
  // The first `count` queues; what the driver or the kernel does not tell stays 0.
  std::vector<Queue> queues(uint32_t ifindex, uint32_t count);
  // Sorted by id; of a NIC that is down there are none. EOPNOTSUPP: the kernel does not tell (before 6.8).
  Result<std::vector<NapiInstance>> napis(uint32_t ifindex);
  Result<void> set_napi(uint32_t id, NapiValue which, uint64_t value);

 private:
  explicit NetdevFamily(GenericFamily family) : family_(std::move(family)) {}
  std::optional<uint64_t> device_features(uint32_t ifindex, uint16_t attribute_type);
  GenericFamily family_;
};

}  // namespace xdpfwd

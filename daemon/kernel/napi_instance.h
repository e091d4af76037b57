// SPDX-License-Identifier: BSD-2-Clause
// A device's NAPI instances and their values, by netlink's "netdev" family. Apart from netdev_family.h, as
// the poller needs this and nothing else of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernel/generic_family.h"

namespace xdpfwd {

// What the kernel tells of a NAPI instance. What it does not keep for each instance is left out: deferral
// came with 6.13, threads with 6.17.
struct NapiInstance {
  uint32_t id = 0;
  uint32_t pid = 0;                    // of its thread; 0 = none
  std::optional<uint32_t> threaded{};  // 0, 1, or 2 = polls without sleeping
  std::optional<uint32_t> defer{};     // hard interrupts: empty polls
  std::optional<uint64_t> flush_ns{};  // gro_flush_timeout
};
enum class NapiValue : uint16_t { kDefer = 5, kFlush = 6, kThreaded = 8 };  // attributes of NAPI_SET

// `family`: "netdev". Sorted by id; of a NIC that is down there are none. EOPNOTSUPP: the kernel does not
// tell (before 6.8).
Result<std::vector<NapiInstance>> read_napis(GenericFamily& family, uint32_t ifindex);
// Needs CAP_NET_ADMIN.
Result<void> set_napi(GenericFamily& family, uint32_t id, NapiValue which, uint64_t value);

}  // namespace xdpfwd

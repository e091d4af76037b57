// SPDX-License-Identifier: BSD-2-Clause
// Which NAPI instance serves a receive queue, how its interrupts are deferred, and whether a kernel thread
// polls it: netlink's "netdev" family (queues since Linux 6.8, settings of an instance since 6.13).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "kernel/generic_family.h"

namespace xdpfwd::poller {

// With both not 0, the kernel leaves interrupts masked after a poll, and polls itself after the timeout.
struct Deferral {
  uint32_t hard_irqs = 0;
  uint64_t flush_timeout_ns = 0;
  [[nodiscard]] bool masks() const { return hard_irqs > 0 && flush_timeout_ns > 0; }
  bool operator==(const Deferral&) const = default;
};

struct NapiInstance {
  uint32_t id = 0;
  uint32_t thread = 0;  // its kernel thread, 0 = none
  std::optional<Deferral> deferral;
};

// What the kernel may be told of an instance (enum netdev_napi_threaded).
enum class Threaded : uint32_t { kOff = 0, kOn = 1, kBusyPoll = 2 };

class NapiLookup {
 public:
  static Result<NapiLookup> open();
  // Code ENOENT: the queue has none now (the NIC is down, gone, or has no XDP program); ERANGE: there is no
  // such queue; EOPNOTSUPP: kernel or driver do not tell.
  Result<NapiInstance> find(uint32_t ifindex, uint32_t queue);
  // Both need CAP_NET_ADMIN.
  Result<void> set_deferral(uint32_t napi, const Deferral& deferral);
  Result<void> set_threaded(uint32_t napi, Threaded threaded);

 private:
  explicit NapiLookup(GenericFamily family) : family_(std::move(family)) {}
  struct Queues {
    uint32_t count = 0;  // receive queues
    uint32_t napi = 0;   // of the one that is looked for
  };
  Result<Queues> queues(uint32_t ifindex, uint32_t queue);
  Result<std::vector<NapiInstance>> instances(uint32_t ifindex);
  GenericFamily family_;
};

}  // namespace xdpfwd::poller

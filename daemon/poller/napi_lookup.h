// SPDX-License-Identifier: BSD-2-Clause
// Which NAPI instance serves a receive queue, how its interrupts are deferred, and whether a kernel thread
// polls it: netlink's "netdev" family (queues since Linux 6.8, settings of an instance since 6.13).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "kernel/generic_family.h"
#include "kernel/napi_instance.h"

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

// Of one NIC, as it was when it was asked.
struct NicNapis {
  std::vector<NapiInstance> instances;  // by id
  std::vector<uint32_t> of_queue;       // by receive queue: the instance's id; 0 = the driver does not tell
  // Code ENOENT: the queue has none now (the NIC is down, gone, or has no XDP program); ERANGE: there is no
  // such queue; EOPNOTSUPP: the driver does not tell.
  [[nodiscard]] Result<NapiInstance> of(uint32_t queue) const;
  [[nodiscard]] bool has(uint32_t napi) const;
};

class NapiLookup {
 public:
  static Result<NapiLookup> open();
  // Two dumps, however many queues are looked for. Code ENOENT: the NIC is gone; EOPNOTSUPP: the kernel does
  // not tell.
  Result<NicNapis> read(uint32_t ifindex);
  // Of one queue; codes of both.
  Result<NapiInstance> find(uint32_t ifindex, uint32_t queue);
  // Code ENOENT: there is no such instance; ENETDOWN: of this NIC there is none now; EOPNOTSUPP: this kernel
  // has no such value of an instance.
  Result<uint64_t> value(uint32_t ifindex, uint32_t napi, NapiValue which);
  // Needs CAP_NET_ADMIN.
  Result<void> set(uint32_t napi, NapiValue which, uint64_t value);

 private:
  explicit NapiLookup(GenericFamily family) : family_(std::move(family)) {}
  Result<std::vector<uint32_t>> queues(uint32_t ifindex);
  Result<std::vector<xdpfwd::NapiInstance>> instances(uint32_t ifindex);
  GenericFamily family_;
};

}  // namespace xdpfwd::poller

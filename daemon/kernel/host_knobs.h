// SPDX-License-Identifier: BSD-2-Clause
// All knobs of tuning on Linux: what they are set to, and setting one. How each is asked and told is in the
// file of its subject; here they come together. A knob is written only if it holds something else, and read
// back: a driver that accepts a value and ignores it is named.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/action.h"
#include "kernel/coalescing.h"
#include "kernel/ethtool.h"
#include "kernel/ethtool_family.h"
#include "kernel/host_file.h"
#include "kernel/irqbalance.h"
#include "kernel/kernel.h"
#include "kernel/netdev_family.h"
#include "kernel/netlink.h"
#include "kernel/poll_meter.h"
#include "kernel/thread_times.h"

namespace xdpfwd {

class HostKnobs {
 public:
  static Result<HostKnobs> open(HostRoots roots = {});
  Result<HostTuning> observe(const TuningScope& scope);
  // ENODEV: not there under this name; EOPNOTSUPP: no such knob, or accepted and not done; EINVAL, ERANGE and
  // others: refused.
  Result<void> set(const Tune& tune);
  // For those whose CPUs change all the time (mode auto).
  Result<std::unique_ptr<ThreadMeter>> meter_threads(const std::vector<NapiThread>& threads);

 private:
  HostKnobs(HostRoots roots, NetlinkSocket route, Ethtool ethtool, EthtoolFamily family, NetdevFamily netdev)
      : roots_(roots),
        route_(std::move(route)),
        ethtool_(std::move(ethtool)),
        family_(std::move(family)),
        netdev_(std::move(netdev)),
        irqbalance_(std::move(roots)) {}

  // What a NIC's observation goes into.
  struct Observation;
  void observe_nic(const TunedDevice& device, Observation& seen);
  void observe_sizes(Nic& nic, Observation& seen);
  void observe_coalescing(Nic& nic, Observation& seen);
  void observe_rules(Nic& nic, Observation& seen);
  void observe_interrupts(const Nic& nic, Observation& seen);
  void observe_tap(const TunedDevice& device, Observation& seen);
  void observe_xps(const TunedDevice& device, Observation& seen);
  std::vector<Queue> queues_of(const TunedDevice& device, uint32_t count);
  uint32_t count_queues(const TunedDevice& device);

  // The one setting that `tune` is about. EOPNOTSUPP where it does not exist.
  Result<std::string> read(const Tune& tune);
  Result<std::string> read_coalescing_of(const Tune& tune);
  Result<std::string> read_rule_of(const Tune& tune);
  Result<std::string> read_napi_of(const Tune& tune);
  std::vector<Queue> queues_of_napis(const Tune& tune);
  Result<void> write(const Tune& tune);
  // Interrupts get new numbers when a driver makes its channels anew; an old number may be a disk's now.
  Result<void> check_interrupt(const Tune& tune);

  HostRoots roots_;
  NetlinkSocket route_;
  Ethtool ethtool_;
  EthtoolFamily family_;
  NetdevFamily netdev_;
  Irqbalance irqbalance_;
  // Loaded once, by the first who meters threads: each takes milliseconds.
  std::optional<Result<std::shared_ptr<ThreadTimer>>> timer_;
  std::optional<Result<std::shared_ptr<PollMeter>>> polls_;
};

}  // namespace xdpfwd

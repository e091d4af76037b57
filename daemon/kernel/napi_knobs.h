// SPDX-License-Identifier: BSD-2-Clause
// The knobs of a NIC's NAPI instances: threads and deferral, for each instance over netlink where the kernel
// has that, for the whole NIC in sysfs where not; and the CPUs and scheduling of their threads. Which of both
// a kernel has, its answers say, never its version.
#pragma once

#include <utility>
#include <vector>

#include "core/action.h"
#include "kernel/host_file.h"
#include "kernel/kernel.h"
#include "kernel/netdev_family.h"

namespace xdpfwd {

struct NapiKnobs {
  std::vector<uint32_t> ids;  // as Nic::napis
  struct Value {
    Knob knob = Knob::kNapiThreaded;
    uint32_t index = kWholeDevice;
    std::string value;
  };
  std::vector<Value> values;
};

bool is_napi_knob(Knob knob);
// Those whose thread is not seen from here are as without. Empty: the NIC is down, or the kernel does not
// tell (before 6.8) and none has a thread.
std::vector<NapiInstance> read_napi_instances(NetdevFamily& netdev, const HostRoots& roots,
                                              const TunedDevice& device);
NapiKnobs read_napi_knobs(NetdevFamily& netdev, const HostRoots& roots, const TunedDevice& device,
                          const std::vector<Queue>& queues);
// A canonical value. The instance's id and thread are asked for again: old ones may be somebody else's.
Result<void> set_napi_knob(NetdevFamily& netdev, const HostRoots& roots, const Tune& tune,
                           const std::vector<Queue>& queues);

}  // namespace xdpfwd

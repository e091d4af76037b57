// SPDX-License-Identifier: BSD-2-Clause
// Waits for an RCU grace period: afterwards no BPF program still holds what it read from a map before. The
// kernel does so when a map inside a map is replaced (since 5.0), whatever its configuration; membarrier
// would refuse on nohz_full hosts.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd {

class GracePeriod {
 public:
  Result<void> wait();  // some 10 ms

 private:
  UniqueFd inner_;
  UniqueFd outer_;
};

}  // namespace xdpfwd

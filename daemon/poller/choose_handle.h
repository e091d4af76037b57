// SPDX-License-Identifier: BSD-2-Clause
// Finds the way to a queue's NAPI by trying: io_uring, an AF_XDP socket, the kernel's own busy-polling
// thread. Kernel versions are never compared.
#pragma once

#include <memory>

#include "poller/changes.h"
#include "poller/napi_handle.h"
#include "poller/napi_lookup.h"
#include "poller/options.h"
#include "poller/uring_set.h"

namespace xdpfwd::poller {

struct HandleWish {
  HandleChoice choice = HandleChoice::kAuto;
  uint32_t budget = 0;                     // for AF_XDP
  uint32_t cpu = 0;                        // for a kernel thread
  std::chrono::microseconds longest_turn;  // that queues of one ring share
  std::shared_ptr<UringSet>& uring;        // of all the poller's queues; made with the first
};

// Aimed at `place`. The error tells what each way lacks, and its code is ENOTSUP.
Result<std::unique_ptr<NapiHandle>> choose_handle(const HandleWish& wish, const NapiPlace& place,
                                                  NapiLookup& lookup, Changes& changes);

}  // namespace xdpfwd::poller

// SPDX-License-Identifier: BSD-2-Clause
// How long the threads of NAPI instances ran, and waited for a CPU: what /proc/PID/schedstat tells, which is
// exact of a thread that sleeps, where the kernel's ticks see nothing of it; of one that runs without pause
// it is up to a tick old (once a second on a CPU of nohz_full). It is read by a program where the kernel has
// that, as the files of a hundred threads cost more than to decide. And their moves, with their interrupts:
// nobody else has to be looked at for one, as whose a number is was asked when the meter was made, and the
// open files tell when that is over.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernel/host_file.h"
#include "kernel/kernel.h"
#include "kernel/netdev_family.h"
#include "kernel/poll_meter.h"
#include "kernel/thread_times.h"

namespace xdpfwd {

// Of a NIC, as they are now.
using QueuesOf = std::function<std::vector<Queue>(const TunedDevice&)>;

// An interrupt that serves no queue is not moved. Without a timer, files are read; without a poll meter,
// polls are not counted. ESRCH: one has no thread.
Result<std::unique_ptr<ThreadMeter>> meter_threads(NetdevFamily& netdev, const HostRoots& roots,
                                                   const std::vector<NapiThread>& threads,
                                                   const QueuesOf& queues_of,
                                                   const Result<std::shared_ptr<ThreadTimer>>& timer,
                                                   const Result<std::shared_ptr<PollMeter>>& polls);

}  // namespace xdpfwd

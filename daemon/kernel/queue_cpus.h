// SPDX-License-Identifier: BSD-2-Clause
// Which CPUs receive packets for a queue (RPS), and which send by it (XPS), in /sys/class/net/X/queues.
#pragma once

#include <string>
#include <vector>

#include "core/net.h"
#include "kernel/host_file.h"

namespace xdpfwd {

enum class QueueCpus { kRps, kXps };

// More queues than the kernel gives any device.
inline constexpr uint32_t kMostQueues = 4096;

// CPU lists by queue, up to the last queue. None where the device has no such file to read: a device with
// one queue has no XPS.
std::vector<std::string> read_queue_cpus(const HostRoots& roots, const InterfaceName& device,
                                         QueueCpus which);
Result<std::string> read_queue_cpus(const HostRoots& roots, const InterfaceName& device, QueueCpus which,
                                    uint32_t queue);
// `cpus` is a CPU list; empty: off.
Result<void> set_queue_cpus(const HostRoots& roots, const InterfaceName& device, QueueCpus which,
                            uint32_t queue, std::string_view cpus);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/queue_cpus.h"

#include <fmt/format.h>

#include "core/cpus.h"

namespace xdpfwd {
namespace {

std::string path_of(const HostRoots& roots, const InterfaceName& device, QueueCpus which, uint32_t queue) {
  return fmt::format("{}/class/net/{}/queues/{}-{}/{}_cpus", roots.sys, device.view(),
                     which == QueueCpus::kRps ? "rx" : "tx", queue, which == QueueCpus::kRps ? "rps" : "xps");
}

}  // namespace

Result<std::string> read_queue_cpus(const HostRoots& roots, const InterfaceName& device, QueueCpus which,
                                    uint32_t queue) {
  const auto mask = read_host_file(path_of(roots, device, which, queue));
  if (!mask) return std::unexpected(mask.error());
  const auto cpus = parse_cpu_mask(*mask);
  if (!cpus) return std::unexpected(cpus.error());
  return cpu_list_text(*cpus);
}

std::vector<std::string> read_queue_cpus(const HostRoots& roots, const InterfaceName& device,
                                         QueueCpus which) {
  std::vector<std::string> queues;
  while (queues.size() < kMostQueues) {
    auto cpus = read_queue_cpus(roots, device, which, static_cast<uint32_t>(queues.size()));
    if (!cpus) break;
    queues.push_back(std::move(*cpus));
  }
  return queues;
}

Result<void> set_queue_cpus(const HostRoots& roots, const InterfaceName& device, QueueCpus which,
                            uint32_t queue, std::string_view cpus) {
  const auto parsed = parse_cpu_list(cpus);
  if (!parsed) return std::unexpected(parsed.error());
  return write_host_file(path_of(roots, device, which, queue), cpu_mask_text(*parsed));
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/host_cpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/cpus.h"

namespace xdpfwd {
namespace {

// Online siblings alone are in the list. They are numbered over the whole host, which a core's own number,
// core_id, is not: each package counts from 0.
uint32_t core_of(const std::string& folder, uint32_t cpu) {
  const auto text = read_host_file(fmt::format("{}/cpu/cpu{}/topology/thread_siblings_list", folder, cpu));
  const auto siblings = text ? parse_cpu_list(*text) : std::vector<uint32_t>();
  return siblings && !siblings->empty() ? siblings->front() : cpu;
}

// A kernel without nohz_full has no such file, and one that was not told to says "(null)".
std::vector<uint32_t> kept_cpus(const std::string& file) {
  const auto text = read_host_file(file);
  return text ? parse_cpu_list(*text).value_or(std::vector<uint32_t>()) : std::vector<uint32_t>();
}

}  // namespace

Result<HostCpus> read_cpus(const HostRoots& roots) {
  const std::string folder = roots.sys + "/devices/system";
  const auto online = read_host_file(folder + "/cpu/online");
  if (!online) return std::unexpected(online.error());
  auto cpus = parse_cpu_list(*online);
  if (!cpus) return fail_in(folder + "/cpu/online", cpus.error());
  HostCpus host{.cpus = std::move(*cpus), .numa_of_cpus = {}, .core_of_cpus = {}, .isolated = {}};
  for (const uint32_t cpu : host.cpus) host.core_of_cpus.push_back(core_of(folder, cpu));
  std::vector<uint32_t> kept;
  std::ranges::set_union(kept_cpus(folder + "/cpu/isolated"), kept_cpus(folder + "/cpu/nohz_full"),
                         std::back_inserter(kept));
  std::ranges::set_intersection(kept, host.cpus, std::back_inserter(host.isolated));
  host.numa_of_cpus.assign(host.cpus.size(), -1);
  // A kernel without NUMA has no nodes to list. Nodes have the numbers of CPUs at most: one may be empty,
  // or have memory alone.
  const auto nodes = read_host_file(folder + "/node/online");
  const auto numbers = nodes ? parse_cpu_list(*nodes) : std::vector<uint32_t>{};
  if (!numbers) return fail_in(folder + "/node/online", numbers.error());
  for (const uint32_t node : *numbers) {
    const auto text = read_host_file(fmt::format("{}/node/node{}/cpulist", folder, node));
    const auto of_node = text ? parse_cpu_list(*text) : std::vector<uint32_t>{};
    if (!of_node) continue;
    for (const uint32_t cpu : *of_node) {
      const auto at = std::ranges::lower_bound(host.cpus, cpu);
      if (at != host.cpus.end() && *at == cpu)
        host.numa_of_cpus[static_cast<size_t>(at - host.cpus.begin())] = static_cast<int32_t>(node);
    }
  }
  return host;
}

}  // namespace xdpfwd

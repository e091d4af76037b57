// SPDX-License-Identifier: BSD-2-Clause
#include "poller/own_cpu.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "core/cpus.h"

namespace xdpfwd::poller {
namespace {

constexpr const char* kOnline = "/sys/devices/system/cpu/online";

std::vector<uint32_t> online_cpus() {
  std::ifstream file(kOnline);
  std::string text;
  std::getline(file, text);
  return parse_cpu_list(text).value_or(std::vector<uint32_t>());
}

}  // namespace

Result<void> move_to_cpu(uint32_t cpu) {
  const std::vector<uint32_t> online = online_cpus();
  if (!std::ranges::binary_search(online, cpu))
    return fail(fmt::format("CPU {} is offline, or does not exist", cpu),
                fmt::format("online are {}", cpu_list_text(online)), ENODEV);
  return set_cpu(0, cpu);
}

Result<void> set_cpu(pid_t thread, uint32_t cpu) {
  // Any CPU, also beyond the 1024 of a cpu_set_t.
  cpu_set_t* cpus = CPU_ALLOC(cpu + 1);
  const size_t size = CPU_ALLOC_SIZE(cpu + 1);
  CPU_ZERO_S(size, cpus);
  CPU_SET_S(cpu, size, cpus);
  const int result = sched_setaffinity(thread, size, cpus);
  const int error = errno;
  CPU_FREE(cpus);
  if (result == 0) return {};
  return fail_errno(fmt::format("cannot run on CPU {}", cpu), error,
                    error == EINVAL  ? "its cpuset (AllowedCPUs= of the unit or slice) forbids it"
                    : error == EPERM ? "it needs CAP_SYS_NICE"
                                     : "");
}

}  // namespace xdpfwd::poller

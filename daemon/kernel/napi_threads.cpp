// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/napi_threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "kernel/pid_namespace.h"

namespace xdpfwd {
namespace {

// /proc/PID/stat: "12 (any name) S 2 ... flags ...", flags being the seventh after the name.
bool is_kernel_thread(const std::string& folder) {
  constexpr uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD, include/linux/sched.h
  const auto stat = read_host_file(folder + "/stat");
  const size_t name_ends = stat ? stat->rfind(')') : std::string::npos;
  if (name_ends == std::string::npos) return false;
  std::istringstream fields(stat->substr(name_ends + 1));
  std::string field;
  for (int i = 0; i < 6; ++i) fields >> field;
  uint64_t flags = 0;
  return fields >> flags && (flags & kKernelThread) != 0;
}

template <typename Number>
bool is_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number != 0;
}

}  // namespace

bool sees_kernel_threads(const HostRoots& roots) {
  return in_first_pid_namespace(roots.proc);
}

std::vector<NapiInstance> find_napi_threads(const HostRoots& roots, const InterfaceName& device) {
  std::vector<NapiInstance> found;
  const std::string prefix = fmt::format("napi/{}-", device.view());
  std::error_code gone;
  for (const auto& process : std::filesystem::directory_iterator(roots.proc, gone)) {
    NapiInstance napi;
    if (!is_number(process.path().filename().string(), napi.pid)) continue;
    const auto name = read_host_file(process.path() / "comm");
    if (!name || !name->starts_with(prefix) || !is_number(name->substr(prefix.size()), napi.id)) continue;
    if (is_kernel_thread(process.path())) found.push_back(napi);
  }
  std::ranges::sort(found, {}, &NapiInstance::id);
  const auto twice = std::ranges::unique(found, {}, &NapiInstance::id);
  found.erase(twice.begin(), twice.end());
  return found;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/bpf_failure.h"

#include <fmt/format.h>

#include "kernel/libbpf_log.h"

namespace xdpfwd {
namespace {

// The kernel's own, which libc does not know: a map without that operation, a program without that feature.
constexpr int kNotSupported = 524;

}  // namespace

std::string bpf_meaning(int error) {
  switch (error) {
    case ESRCH:  // libbpf's, for a type that it does not find
      return "the kernel does not describe its types (BTF)";
    case kNotSupported:
      return "this kernel does not support it";
    default:
      return std::strerror(error);
  }
}

std::string bpf_remedy(int error) {
  constexpr std::string_view kNeeds = "xdpfwd needs Linux 6.1 or later";
  switch (error) {
    case EPERM:
      return "run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";
    case ENOSYS:
      return fmt::format("{} with CONFIG_BPF_SYSCALL; a container's seccomp filter can hide it too", kNeeds);
    case ESRCH:
      return fmt::format(
          "{} with CONFIG_DEBUG_INFO_BTF and CONFIG_BPF_EVENTS; its /sys/kernel/btf/vmlinux must be readable",
          kNeeds);
    case EINVAL:
    case EOPNOTSUPP:
    case kNotSupported:
      return fmt::format("{} with CONFIG_BPF_SYSCALL, CONFIG_BPF_EVENTS and CONFIG_DEBUG_INFO_BTF", kNeeds);
    default:
      return {};
  }
}

std::unexpected<Error> bpf_failure(std::string what, int error) {
  if (const std::string line = last_libbpf_line(); !line.empty()) what += " (" + line + ")";
  return fail(fmt::format("{}: {}", what, bpf_meaning(error)), bpf_remedy(error), error);
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/netns.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>

namespace xdpfwd::pktgen {

Result<NetNamespace> NetNamespace::open(std::string_view name) {
  std::string path = "/proc/thread-self/ns/net";
  if (name.find('/') != std::string_view::npos)
    path = name;
  else if (!name.empty())
    path = fmt::format("/run/netns/{}", name);
  NetNamespace ns;
  ns.fd_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!ns.fd_)
    return fail_errno(fmt::format("network namespace '{}'", name.empty() ? path : name), errno,
                      "'ip netns list' shows the names; a path such as /proc/PID/ns/net is taken, too");
  return ns;
}

Result<void> NetNamespace::enter() const {
  if (!fd_) return {};
  if (::setns(fd_.get(), CLONE_NEWNET) != 0)
    return fail_errno("entering a network namespace", errno, "run as root");
  return {};
}

Result<uint32_t> NetNamespace::inode() const {
  struct stat info{};
  const int failed = fd_ ? ::fstat(fd_.get(), &info) : ::stat("/proc/thread-self/ns/net", &info);
  if (failed != 0) return fail_errno("network namespace", errno);
  return static_cast<uint32_t>(info.st_ino);
}

Result<NetNamespace> NetNamespace::duplicate() const {
  NetNamespace copy;
  if (!fd_) return copy;
  copy.fd_.reset(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy.fd_) return fail_errno("network namespace", errno);
  return copy;
}

Result<InNamespace> InNamespace::enter(const NetNamespace& target) {
  UniqueFd before(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!before) return fail_errno("/proc/thread-self/ns/net", errno);
  if (auto entered = target.enter(); !entered) return std::unexpected(entered.error());
  return InNamespace(std::move(before));
}

Result<InNamespace> InNamespace::enter_new() {
  auto inside = enter({});
  if (inside && ::unshare(CLONE_NEWNET) != 0)
    return fail_errno("making a network namespace", errno, "run as root");
  return inside;
}

InNamespace::~InNamespace() {
  // A thread that cannot go back would work in the wrong place without a word.
  if (before_ && ::setns(before_.get(), CLONE_NEWNET) != 0) std::abort();
}

}  // namespace xdpfwd::pktgen

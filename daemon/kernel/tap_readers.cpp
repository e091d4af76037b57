// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/tap_readers.h"

#include <fmt/format.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/unique_fd.h"

namespace xdpfwd {
namespace {

namespace fs = std::filesystem;

#ifndef SYS_pidfd_getfd  // kernel 5.6
#define SYS_pidfd_getfd 438
#endif

// A copy of another process's descriptor.
UniqueFd borrow(int pid, int fd) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return {};
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
}

std::optional<int> number_of(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// "iff:\ttap0" in what the tun driver says of a descriptor.
std::string tap_of(const std::string& fdinfo) {
  const size_t at = fdinfo.find("iff:\t");
  if (at == std::string::npos) return {};
  return fdinfo.substr(at + 5, fdinfo.find('\n', at) - at - 5);
}

void look_at_process(int pid, const std::string& folder, const std::vector<Link>& taps,
                     std::vector<TapReader>& readers) {
  std::error_code error;
  for (fs::directory_iterator at(folder + "/fd", error), end; !error && at != end; at.increment(error)) {
    std::error_code unreadable;
    if (fs::read_symlink(at->path(), unreadable) != "/dev/net/tun") continue;
    const auto info = read_host_file(folder + "/fdinfo/" + at->path().filename().string());
    if (!info) continue;
    const std::string name = tap_of(*info + "\n");
    const auto tap = std::ranges::find_if(taps, [&](const Link& link) { return link.name.view() == name; });
    if (tap == taps.end()) continue;
    // A multi-queue tap has a descriptor for each queue, and all are set alike: one is enough.
    if (std::ranges::any_of(readers,
                            [&](const TapReader& r) { return r.ifindex == tap->ifindex && r.pid == pid; }))
      continue;
    TapReader reader{.ifindex = tap->ifindex, .pid = pid, .command = {}, .send_buffer = std::nullopt};
    if (const auto command = read_host_file(folder + "/comm")) reader.command = *command;
    if (const auto fd = number_of(at->path().filename().string()))
      if (const UniqueFd copy = borrow(pid, *fd)) {
        int bytes = 0;
        if (::ioctl(copy.get(), TUNGETSNDBUF, &bytes) == 0) reader.send_buffer = bytes;
      }
    readers.push_back(std::move(reader));
  }
}

}  // namespace

std::vector<TapReader> find_tap_readers(const std::vector<Link>& taps, const HostRoots& roots) {
  std::vector<TapReader> readers;
  if (taps.empty()) return readers;
  std::error_code error;
  for (fs::directory_iterator at(roots.proc, error), end; !error && at != end; at.increment(error))
    if (const auto pid = number_of(at->path().filename().string()))
      look_at_process(*pid, at->path().string(), taps, readers);
  return readers;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/poller_counters.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "base/unique_fd.h"

namespace xdpfwd {
namespace {

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

std::string_view name_of(PollerHandle handle) {
  switch (handle) {
    case PollerHandle::kNone:
      return "none";
    case PollerHandle::kIoUring:
      return "io_uring";
    case PollerHandle::kAfXdp:
      return "af_xdp";
    case PollerHandle::kThreaded:
      return "threaded";
  }
  return "unknown";
}

std::string_view name_of(PollerQueueState state) {
  switch (state) {
    case PollerQueueState::kAbsent:
      return "absent";
    case PollerQueueState::kPolling:
      return "polling";
    case PollerQueueState::kBackedOff:
      return "backed-off";
  }
  return "unknown";
}

std::string PollerReading::device_of(size_t queue) const {
  const auto& device = counters.queue[queue].device;
  return {device, strnlen(device, sizeof(device))};
}

Result<PollerReading> read_poller(const std::string& folder) {
  const std::string path = folder + "/counters";
  // Nobody leads us elsewhere, and a FIFO does not make us wait.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file)
    return fail_errno("cannot read " + path, errno, errno == ENOENT ? "no poller of this name runs" : "");
  PollerReading reading{.name = std::filesystem::path(folder).filename()};
  PollerCounters& counters = reading.counters;
  struct stat kind{};
  if (::fstat(file.get(), &kind) < 0 || !S_ISREG(kind.st_mode) ||
      ::pread(file.get(), &counters, sizeof(counters), 0) != static_cast<ssize_t>(sizeof(counters)) ||
      std::memcmp(counters.magic, kPollerMagic, sizeof(counters.magic)) != 0)
    return fail(path + " is no file of counters", "is the poller only starting?");
  if (counters.version != kPollerCountersVersion || counters.queues > kPollerQueues)
    return fail(fmt::format("{} has version {}, and not {}", path, counters.version, kPollerCountersVersion),
                "poller and reader are of different releases: restart the poller");
  reading.running = ::flock(file.get(), LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
  const uint64_t now = monotonic_ns();
  reading.silent_ms = now > counters.heartbeat_ns ? (now - counters.heartbeat_ns) / 1'000'000 : 0;
  return reading;
}

std::vector<PollerReading> read_pollers(const std::string& root) {
  std::vector<PollerReading> readings;
  std::error_code error;
  for (std::filesystem::directory_iterator at(root, error), end; !error && at != end; at.increment(error))
    if (auto reading = read_poller(at->path())) readings.push_back(std::move(*reading));
  std::ranges::sort(readings, {}, &PollerReading::name);
  return readings;
}

}  // namespace xdpfwd

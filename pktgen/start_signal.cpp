// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/start_signal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/unique_fd.h"

namespace xdpfwd::pktgen {

Result<void> announce_ready(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd || ::write(fd.get(), "ready\n", 6) != 6)
    return fail_errno(fmt::format("ready file '{}'", path), errno);
  return {};
}

Result<void> wait_for_file(const std::string& path, Interrupt& interrupt) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const std::string watched = folder.empty() ? "." : folder.string();
  if (!watch || ::inotify_add_watch(watch.get(), watched.c_str(), IN_CREATE | IN_MOVED_TO) < 0)
    return fail_errno(fmt::format("watching '{}' for the start file", watched), errno,
                      "make the folder first");
  std::error_code error;
  while (!std::filesystem::exists(path, error) && !interrupt.arrived()) {
    if (!interrupt.wait(watch.get(), std::chrono::seconds(1))) continue;
    char events[4096];
    (void)!::read(watch.get(), events, sizeof(events));
  }
  return {};
}

void wait_for_line(Interrupt& interrupt) {
  while (!interrupt.arrived()) {
    if (!interrupt.wait(STDIN_FILENO, std::chrono::seconds(1))) continue;
    char c = 0;
    if (::read(STDIN_FILENO, &c, 1) <= 0 || c == '\n') return;
  }
}

}  // namespace xdpfwd::pktgen

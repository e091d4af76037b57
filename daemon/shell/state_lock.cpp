// SPDX-License-Identifier: BSD-2-Clause
#include "shell/state_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

namespace xdpfwd {

Result<UniqueFd> lock_state(const std::string& state_dir) {
  (void)::mkdir(state_dir.c_str(), 0700);
  UniqueFd directory(::open(state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return UniqueFd();
  while (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK)
      return fail(fmt::format("another xdpfwd runs with the state directory {}", state_dir),
                  "stop it, or give this one its own daemon.state_dir (and control.socket and daemon.bpffs)",
                  EWOULDBLOCK);
    return UniqueFd();  // a filesystem without locks
  }
  return directory;
}

}  // namespace xdpfwd

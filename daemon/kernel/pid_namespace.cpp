// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/pid_namespace.h"

#include <sys/stat.h>

#include <cerrno>

namespace xdpfwd {

bool in_first_pid_namespace(const std::string& proc) {
  constexpr ino_t kFirst = 0xEFFFFFFC;  // PID_NS_INIT_INO, linux/nsfs.h
  struct stat ours{};
  if (::stat((proc + "/self/ns/pid").c_str(), &ours) == 0) return ours.st_ino == kFirst;
  // A kernel without PID namespaces has one. In a /proc of another one `self` leads nowhere.
  return errno == ENOENT && ::stat((proc + "/self/ns").c_str(), &ours) == 0;
}

}  // namespace xdpfwd

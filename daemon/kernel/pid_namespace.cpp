// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/pid_namespace.h"

#include <sys/stat.h>

namespace xdpfwd {

bool in_first_pid_namespace(const std::string& proc) {
  constexpr ino_t kFirst = 0xEFFFFFFC;  // PID_NS_INIT_INO, linux/nsfs.h
  struct stat ours{};
  // A kernel without PID namespaces has one.
  return ::stat((proc + "/self/ns/pid").c_str(), &ours) != 0 || ours.st_ino == kFirst;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// A unix socket's file: made with mode 0660 and its group before anyone can connect, taken over from a daemon
// that died, never from one that lives, and removed at the end.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd {

// The group's number; the process's own for an empty name. Fails for a group that does not exist.
Result<gid_t> gid_of(const std::string& group);

class VarlinkListener {
 public:
  // `group`: empty for the daemon's own. Makes the directory of `path` when it is missing.
  static Result<VarlinkListener> open(const std::string& path, const std::string& group);

  VarlinkListener(VarlinkListener&& other) noexcept
      : path_(std::exchange(other.path_, {})),
        lock_(std::move(other.lock_)),
        fd_(std::move(other.fd_)),
        gid_(other.gid_) {}
  VarlinkListener& operator=(VarlinkListener&&) = delete;
  ~VarlinkListener();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] gid_t gid() const { return gid_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  VarlinkListener() = default;

  std::string path_;
  UniqueFd lock_;  // on path.lock: who holds it owns the path
  UniqueFd fd_;
  gid_t gid_ = 0;
};

}  // namespace xdpfwd

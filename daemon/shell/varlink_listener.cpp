// SPDX-License-Identifier: BSD-2-Clause
#include "shell/varlink_listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <vector>

namespace xdpfwd {
namespace {

constexpr int kBacklog = 128;
constexpr const char* kOtherDaemon =
    "stop it, or give this one its own control.socket (and daemon.bpffs and daemon.state_dir)";

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path))
    return fail(fmt::format("the control socket's path '{}' has {} bytes", path, path.size()),
                fmt::format("set control.socket to a path of 1 to {} bytes", sizeof(address.sun_path) - 1));
  path.copy(address.sun_path, path.size());
  return address;
}

Result<void> make_directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  const std::string directory = path.substr(0, slash);
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
    return fail_errno(fmt::format("cannot create {} for the control socket", directory), errno,
                      "create it, or set control.socket to another place");
  return {};
}

// Held while the daemon lives: two that start at once cannot both take a stale socket for theirs.
Result<UniqueFd> lock(const std::string& path) {
  const std::string file = path + ".lock";
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd)
    return fail_errno("cannot create " + file, errno, "set control.socket to a place where xdpfwd may write");
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK)
    return fail(fmt::format("another xdpfwd is already running with the control socket {}", path),
                kOtherDaemon, EADDRINUSE);
  return fail_errno("cannot lock " + file, errno);
}

// Removes what a dead daemon left. Whoever answers, or is no socket, is left alone.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno("cannot look at " + path, errno);
  }
  if (!S_ISSOCK(info.st_mode))
    return fail(fmt::format("{} is there and is not a socket", path),
                "remove it, or set control.socket to another path", EEXIST);
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return fail_errno("cannot make a socket", errno);
  const bool answers =
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno == EAGAIN;
  if (answers) {
    ucred owner{};
    socklen_t bytes = sizeof(owner);
    const bool known = ::getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &owner, &bytes) == 0;
    return fail(
        fmt::format("another process{} listens on {}", known ? fmt::format(" ({})", owner.pid) : "", path),
        kOtherDaemon, EADDRINUSE);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno("cannot remove the stale socket " + path, errno);
  return {};
}

}  // namespace

Result<gid_t> gid_of(const std::string& group) {
  if (group.empty()) return ::getegid();
  std::vector<char> buffer(4096);
  for (;;) {
    struct group entry{};
    struct group* found = nullptr;
    const int code = ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (code == ERANGE && buffer.size() < (1U << 20)) {
      buffer.resize(2 * buffer.size());
      continue;
    }
    if (found) return found->gr_gid;
    if (code != 0) return fail_errno(fmt::format("cannot look up the group '{}'", group), code);
    return fail(fmt::format("control.group: there is no group '{}'", group),
                fmt::format("create it with 'groupadd --system {}', or name another one", group), ENOENT);
  }
}

Result<VarlinkListener> VarlinkListener::open(const std::string& path, const std::string& group) {
  VarlinkListener listener;
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  const auto gid = gid_of(group);
  if (!gid) return std::unexpected(gid.error());
  listener.gid_ = *gid;
  if (auto done = make_directory_of(path); !done) return std::unexpected(std::move(done).error());
  auto locked = lock(path);
  if (!locked) return std::unexpected(std::move(locked).error());
  listener.lock_ = std::move(*locked);
  if (auto done = remove_stale(path, *address); !done) return std::unexpected(std::move(done).error());

  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("cannot make a socket", errno);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0)
    return fail_errno("cannot make the control socket " + path, errno);
  listener.path_ = path;  // from here on it is ours to remove
  // Until listen() nobody can connect, so nobody gets in while the mode is still the umask's.
  if (!group.empty() && ::chown(path.c_str(), static_cast<uid_t>(-1), *gid) != 0)
    return fail_errno(fmt::format("cannot give {} to the group '{}'", path, group), errno);
  if (::chmod(path.c_str(), 0660) != 0) return fail_errno("cannot set the mode of " + path, errno);
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno("cannot listen on " + path, errno);
  listener.fd_ = std::move(fd);
  return listener;
}

VarlinkListener::~VarlinkListener() {
  // The lock's file stays: removing it would let two daemons hold locks on two files of one name.
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace xdpfwd

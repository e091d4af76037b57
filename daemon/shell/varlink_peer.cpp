// SPDX-License-Identifier: BSD-2-Clause
#include "shell/varlink_peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace xdpfwd {
namespace {

// The supplementary groups; empty when the kernel does not tell.
std::vector<gid_t> groups_of(int fd) {
  std::vector<gid_t> groups(32);
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const bool got = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) == 0;
    const int code = got ? 0 : errno;
    // With ERANGE, `bytes` is what it takes.
    groups.resize(bytes / sizeof(gid_t));
    if (got) return groups;
    if (code != ERANGE) break;
  }
  return {};
}

}  // namespace

Result<Peer> peer_of(int fd, gid_t socket_gid) {
  ucred credentials{};
  socklen_t bytes = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0)
    return fail_errno("cannot tell who a client is", errno);
  Peer peer{credentials.uid, credentials.gid, credentials.pid, false};
  peer.may_write = peer.uid == 0 || peer.uid == ::geteuid() || peer.gid == socket_gid;
  if (!peer.may_write) {
    const auto groups = groups_of(fd);
    peer.may_write = std::ranges::find(groups, socket_gid) != groups.end();
  }
  return peer;
}

}  // namespace xdpfwd

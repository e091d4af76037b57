// SPDX-License-Identifier: BSD-2-Clause
// Who is at the other end of a unix socket, as the kernel recorded it when they connected.
#pragma once

#include <sys/types.h>

#include "base/result.h"

namespace xdpfwd {

struct Peer {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  pid_t pid = 0;
  // Root, the daemon's own user, or a member of the socket's group: who may change things.
  bool may_write = false;
};

// `socket_gid`: the group of the socket's file.
Result<Peer> peer_of(int fd, gid_t socket_gid);

}  // namespace xdpfwd

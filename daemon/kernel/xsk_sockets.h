// SPDX-License-Identifier: BSD-2-Clause
// Which queues have AF_XDP sockets, and whether these took the queue's buffers from the kernel (zero-copy).
// The kernel tells by its module xsk_diag; without it, whether there are any.
#pragma once

#include <linux/netlink.h>

#include <optional>
#include <string_view>
#include <vector>

#include "core/host_facts.h"
#include "kernel/host_file.h"

namespace xdpfwd {

// Nothing: there are some in this network namespace, and the kernel does not tell where.
std::optional<std::vector<XskSocket>> find_xsk_sockets(const HostRoots& roots);

// Pure.
// Of an answer to a sock_diag request; nothing for a socket that is not bound.
std::optional<XskSocket> decode_xsk_socket(const nlmsghdr& message);
// How many there are, of the text of /proc/net/protocols.
int64_t count_xsk_sockets(std::string_view protocols);

}  // namespace xdpfwd

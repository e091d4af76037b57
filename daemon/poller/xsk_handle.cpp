// SPDX-License-Identifier: BSD-2-Clause
#include "poller/xsk_handle.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>

namespace xdpfwd::poller {
namespace {

constexpr uint32_t kFrameSize = 4096;
constexpr uint32_t kFrames = 2;
constexpr uint32_t kDefaultBudget = 64;
constexpr int kBusyPollUs = 1;  // any: it only says that reading may poll

Result<void> set(int socket, int level, int option, const void* value, socklen_t size, const char* what,
                 const char* remedy = "") {
  if (::setsockopt(socket, level, option, value, size) < 0)
    return fail_errno(fmt::format("AF_XDP: {}", what), errno, remedy);
  return {};
}
Result<void> set_int(int socket, int level, int option, int value, const char* what,
                     const char* remedy = "") {
  return set(socket, level, option, &value, sizeof(value), what, remedy);
}

Result<void> set_up(int socket, void* memory, uint32_t budget) {
  const xdp_umem_reg area{.addr = reinterpret_cast<uint64_t>(memory),
                          .len = kFrames * kFrameSize,
                          .chunk_size = kFrameSize,
                          .headroom = 0,
                          .flags = 0};
  for (const auto& done :
       {set(socket, SOL_XDP, XDP_UMEM_REG, &area, sizeof(area), "memory", "raise LimitMEMLOCK"),
        set_int(socket, SOL_XDP, XDP_UMEM_FILL_RING, kFrames, "fill ring"),
        set_int(socket, SOL_XDP, XDP_UMEM_COMPLETION_RING, kFrames, "completion ring"),
        set_int(socket, SOL_XDP, XDP_RX_RING, kFrames, "receive ring"),
        set_int(socket, SOL_SOCKET, SO_PREFER_BUSY_POLL, 1, "SO_PREFER_BUSY_POLL",
                "it needs Linux 5.11 and CAP_NET_ADMIN"),
        set_int(socket, SOL_SOCKET, SO_BUSY_POLL, kBusyPollUs, "SO_BUSY_POLL", "it needs CAP_NET_ADMIN"),
        set_int(socket, SOL_SOCKET, SO_BUSY_POLL_BUDGET, static_cast<int>(budget), "SO_BUSY_POLL_BUDGET",
                "it needs CAP_NET_ADMIN")})
    if (!done) return done;
  return {};
}

}  // namespace

XskHandle::~XskHandle() {
  socket_.reset();
  if (memory_ != nullptr) ::munmap(memory_, kFrames * kFrameSize);
}

uint64_t XskHandle::needed_capabilities() const {
  return uint64_t{1} << CAP_NET_RAW | uint64_t{1} << CAP_NET_ADMIN;
}

Result<void> XskHandle::aim(const NapiPlace& place) {
  if (memory_ == nullptr) {
    void* memory =
        ::mmap(nullptr, kFrames * kFrameSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return fail_errno("AF_XDP: memory", errno);
    memory_ = memory;
  }
  // A queue takes one socket at a time.
  socket_.reset(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!socket_) return fail_errno("AF_XDP", errno, "it needs CAP_NET_RAW");
  if (auto done = set_up(socket_.get(), memory_, budget_ == 0 ? kDefaultBudget : budget_); !done) return done;
  sockaddr_xdp address{};
  address.sxdp_family = AF_XDP;
  // Never zero-copy, which takes the queue's own buffers away.
  address.sxdp_flags = XDP_COPY;
  address.sxdp_ifindex = place.ifindex;
  address.sxdp_queue_id = place.queue;
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0) {
    const int error = errno;
    return fail_errno("AF_XDP: bind", error, error == EBUSY ? "another socket has the queue" : "");
  }
  unsigned napi = 0;
  socklen_t size = sizeof(napi);
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_INCOMING_NAPI_ID, &napi, &size) < 0)
    return fail_errno("AF_XDP: SO_INCOMING_NAPI_ID", errno);
  if (napi == 0) return fail("AF_XDP: the driver does not tell the NAPI of its queues to sockets");
  if (napi != place.napi)
    return fail(fmt::format("AF_XDP: the socket has NAPI instance {}, and not {}", napi, place.napi));
  return {};
}

void XskHandle::poll(std::chrono::nanoseconds period) {
  const auto until = std::chrono::steady_clock::now() + period;
  do {
    // Each read is one poll. Nothing is ever received; errors (a NIC that is down) end with the next look-up.
    if (::recv(socket_.get(), nullptr, 0, MSG_DONTWAIT) < 0 && errno != EAGAIN) return;
  } while (std::chrono::steady_clock::now() < until);
}

}  // namespace xdpfwd::poller

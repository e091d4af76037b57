// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/xsk_outlet.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "pktgen/tap.h"

namespace xdpfwd::pktgen {
namespace {

constexpr size_t kMemorySize = static_cast<size_t>(XskOutlet::kSlots) * XskOutlet::kSlotSize;

uint32_t acquire(const uint32_t* shared) {
  return std::atomic_ref<uint32_t>(*const_cast<uint32_t*>(shared)).load(std::memory_order_acquire);
}
void release(uint32_t* shared, uint32_t value) {
  std::atomic_ref<uint32_t>(*shared).store(value, std::memory_order_release);
}

}  // namespace

Result<std::unique_ptr<XskOutlet>> XskOutlet::open(const std::string& device, uint32_t queue) {
  auto outlet = std::unique_ptr<XskOutlet>(new XskOutlet);
  if (auto prepared = outlet->prepare(device, queue); !prepared) return std::unexpected(prepared.error());
  return outlet;
}

XskOutlet::~XskOutlet() {
  for (const Ring* ring : {&fill_, &done_, &transmit_})
    if (ring->memory != nullptr) ::munmap(ring->memory, ring->memory_size);
  socket_.reset();
  if (frames_ != nullptr) ::munmap(frames_, kMemorySize);
}

bool XskOutlet::map_ring(Ring& ring, const xdp_ring_offset& at, size_t entry_size, uint64_t page_offset) {
  ring.memory_size = at.desc + kSlots * entry_size;
  void* memory = ::mmap(nullptr, ring.memory_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                        socket_.get(), static_cast<off_t>(page_offset));
  if (memory == MAP_FAILED) return false;
  ring.memory = memory;
  auto* bytes = static_cast<uint8_t*>(memory);
  ring.producer = reinterpret_cast<uint32_t*>(bytes + at.producer);
  ring.consumer = reinterpret_cast<uint32_t*>(bytes + at.consumer);
  ring.flags = reinterpret_cast<uint32_t*>(bytes + at.flags);
  ring.entries = bytes + at.desc;
  return true;
}

Result<void> XskOutlet::prepare(const std::string& device, uint32_t queue) {
  const std::string where = fmt::format("device '{}': AF_XDP", device);
  const auto index = device_index(device);
  if (!index) return std::unexpected(index.error());
  socket_.reset(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!socket_) return fail_errno(where, errno, "it needs XDP_SOCKETS in the kernel, and root");
  void* memory =
      ::mmap(nullptr, kMemorySize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return fail_errno(where, errno);
  frames_ = static_cast<uint8_t*>(memory);
  xdp_umem_reg area{};
  area.addr = reinterpret_cast<uint64_t>(memory);
  area.len = kMemorySize;
  area.chunk_size = kSlotSize;
  const uint32_t slots = kSlots;
  const auto set = [&](int what, const void* value, socklen_t size) {
    return ::setsockopt(socket_.get(), SOL_XDP, what, value, size) == 0;
  };
  // The fill ring must be there, though nothing is received.
  if (!set(XDP_UMEM_REG, &area, sizeof(area)) || !set(XDP_UMEM_FILL_RING, &slots, sizeof(slots)) ||
      !set(XDP_UMEM_COMPLETION_RING, &slots, sizeof(slots)) || !set(XDP_TX_RING, &slots, sizeof(slots)))
    return fail_errno(where, errno);
  xdp_mmap_offsets offsets{};
  socklen_t size = sizeof(offsets);
  if (::getsockopt(socket_.get(), SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size) != 0)
    return fail_errno(where, errno);
  if (!map_ring(fill_, offsets.fr, sizeof(uint64_t), XDP_UMEM_PGOFF_FILL_RING) ||
      !map_ring(done_, offsets.cr, sizeof(uint64_t), XDP_UMEM_PGOFF_COMPLETION_RING) ||
      !map_ring(transmit_, offsets.tx, sizeof(xdp_desc), XDP_PGOFF_TX_RING))
    return fail_errno(where + " rings", errno);
  for (uint32_t slot = 0; slot < kSlots; ++slot) free_[slot] = static_cast<uint64_t>(slot) * kSlotSize;
  free_count_ = kSlots;
  sockaddr_xdp address{};
  address.sxdp_family = AF_XDP;
  address.sxdp_ifindex = *index;
  address.sxdp_queue_id = queue;
  address.sxdp_flags = XDP_USE_NEED_WAKEUP;
  // The kernel lets go of a queue a while after the socket that had it was closed.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    const int code = errno;
    if (code != EBUSY || std::chrono::steady_clock::now() > deadline)
      return fail_errno(where, code,
                        code == EBUSY    ? fmt::format("another AF_XDP socket has its queue {}", queue)
                        : code == EINVAL ? fmt::format("has the device a queue {}?", queue)
                                         : "");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  xdp_options options{};
  size = sizeof(options);
  if (::getsockopt(socket_.get(), SOL_XDP, XDP_OPTIONS, &options, &size) == 0)
    copies_ = (options.flags & XDP_OPTIONS_ZEROCOPY) == 0;
  return {};
}

std::span<uint8_t> XskOutlet::take() {
  if (free_count_ == 0) reap();
  if (free_count_ == 0) return {};
  return {frames_ + free_[free_count_ - 1], kSlotSize};
}

void XskOutlet::put(size_t size) {
  const uint64_t address = free_[--free_count_];
  const uint32_t at = *transmit_.producer;  // only we write it
  static_cast<xdp_desc*>(transmit_.entries)[at & (kSlots - 1)] = {address, static_cast<uint32_t>(size), 0};
  release(transmit_.producer, at + 1);
}

int XskOutlet::flush() {
  // In copy mode a call takes at most 32 frames.
  while (acquire(transmit_.consumer) != *transmit_.producer) {
    if ((acquire(transmit_.flags) & XDP_RING_NEED_WAKEUP) == 0) break;  // a driver's own thread sends
    const uint32_t before = acquire(transmit_.consumer);
    if (::sendto(socket_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) < 0 && errno != EINTR) {
      const int code = errno;
      if (code == EBUSY && copies_)
        ++dropped_;  // copy mode says so of the last frame that it took, and of no other
      else if (acquire(transmit_.consumer) == before)
        return code;
    }
  }
  return 0;
}

uint32_t XskOutlet::waiting() const {
  return *transmit_.producer - acquire(transmit_.consumer);
}

void XskOutlet::reap() {
  uint32_t at = *done_.consumer;  // only we write it
  const uint32_t end = acquire(done_.producer);
  for (; at != end; ++at)
    free_[free_count_++] = static_cast<const uint64_t*>(done_.entries)[at & (kSlots - 1)];
  release(done_.consumer, at);
}

}  // namespace xdpfwd::pktgen

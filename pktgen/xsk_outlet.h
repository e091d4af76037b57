// SPDX-License-Identifier: BSD-2-Clause
// One AF_XDP socket that only sends: frames are laid into shared memory, and the kernel is told. Which
// frames, and when, is the sender's business.
#pragma once

#include <linux/if_xdp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd::pktgen {

class XskOutlet {
 public:
  static constexpr uint32_t kSlots = 2048;  // a power of two
  static constexpr uint32_t kSlotSize = 2048;

  // In the calling thread's namespace.
  static Result<std::unique_ptr<XskOutlet>> open(const std::string& device, uint32_t queue);
  ~XskOutlet();
  XskOutlet(const XskOutlet&) = delete;
  XskOutlet& operator=(const XskOutlet&) = delete;

  // Room for one frame; empty while all slots are under way.
  std::span<uint8_t> take();
  // The frame in the room last taken is to be sent.
  void put(size_t size);
  // Hands over what was put. 0, or the errno of a refusal; EAGAIN, ENOBUFS and EBUSY mean "later".
  int flush();
  // Frames that the device dropped instead of taking them, since this was last asked.
  uint64_t take_dropped() { return std::exchange(dropped_, 0); }
  // Frames that were put and that the kernel has not looked at.
  [[nodiscard]] uint32_t waiting() const;
  // Frames that were put and are not done with.
  [[nodiscard]] uint32_t under_way() const { return kSlots - free_count_; }
  // Takes back the slots of frames that the kernel is done with.
  void reap();

 private:
  struct Ring {
    uint32_t* producer = nullptr;
    uint32_t* consumer = nullptr;
    uint32_t* flags = nullptr;
    void* entries = nullptr;
    void* memory = nullptr;
    size_t memory_size = 0;
  };
  XskOutlet() = default;
  Result<void> prepare(const std::string& device, uint32_t queue);
  bool map_ring(Ring& ring, const xdp_ring_offset& at, size_t entry_size, uint64_t page_offset);

  UniqueFd socket_;
  uint8_t* frames_ = nullptr;
  Ring fill_, done_, transmit_;
  std::unique_ptr<uint64_t[]> free_ = std::make_unique<uint64_t[]>(kSlots);  // addresses of free slots
  uint32_t free_count_ = 0;
  bool copies_ = true;  // copy mode: the driver knows nothing of AF_XDP
  uint64_t dropped_ = 0;
};

}  // namespace xdpfwd::pktgen

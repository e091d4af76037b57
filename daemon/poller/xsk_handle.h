// SPDX-License-Identifier: BSD-2-Clause
// NAPI by an AF_XDP socket that is bound to the queue and receives nothing: reading it polls the queue's
// NAPI, if the driver has told the kernel which that is (SO_INCOMING_NAPI_ID is not 0). Not for veth.
#pragma once

#include "base/unique_fd.h"
#include "poller/napi_handle.h"

namespace xdpfwd::poller {

class XskHandle final : public NapiHandle {
 public:
  explicit XskHandle(uint32_t budget) : budget_(budget) {}
  ~XskHandle() override;
  XskHandle(const XskHandle&) = delete;
  XskHandle& operator=(const XskHandle&) = delete;
  Result<void> aim(const NapiPlace& place) override;
  void poll(std::chrono::nanoseconds period) override;
  [[nodiscard]] HandleKind kind() const override { return HandleKind::kAfXdp; }
  [[nodiscard]] uint64_t needed_capabilities() const override;

 private:
  uint32_t budget_;
  void* memory_ = nullptr;  // for frames, of which none comes
  UniqueFd socket_;
};

}  // namespace xdpfwd::poller

// SPDX-License-Identifier: BSD-2-Clause
// NAPI by io_uring's static tracking (Linux 6.13 and later): a ring without any requests, told a NAPI id,
// polls it while somebody waits for the ring. Needs no privilege, and works with every driver that has NAPI.
#pragma once

#include "base/unique_fd.h"
#include "poller/napi_handle.h"

namespace xdpfwd::poller {

class UringHandle final : public NapiHandle {
 public:
  static Result<UringHandle> open();
  Result<void> aim(const NapiPlace& place) override;
  void poll(std::chrono::nanoseconds period) override;
  [[nodiscard]] HandleKind kind() const override { return HandleKind::kIoUring; }
  [[nodiscard]] uint64_t needed_capabilities() const override { return 0; }

 private:
  explicit UringHandle(UniqueFd ring) : ring_(std::move(ring)) {}
  UniqueFd ring_;
};

}  // namespace xdpfwd::poller

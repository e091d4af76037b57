// SPDX-License-Identifier: BSD-2-Clause
// A NAPI instance in the ring that polls all of the poller's (uring_set.h). Needs no privilege, and works
// with every driver that has NAPI.
#pragma once

#include <memory>

#include "poller/napi_handle.h"
#include "poller/uring_set.h"

namespace xdpfwd::poller {

class UringHandle final : public NapiHandle {
 public:
  explicit UringHandle(std::shared_ptr<UringSet> set) : set_(std::move(set)) {}
  ~UringHandle() override;
  UringHandle(const UringHandle&) = delete;
  UringHandle& operator=(const UringHandle&) = delete;
  Result<void> aim(const NapiPlace& place) override;
  void poll(std::chrono::nanoseconds period) override { set_->poll(period); }
  [[nodiscard]] bool shares_turns() const override { return true; }
  void rest(bool resting) override;
  [[nodiscard]] HandleKind kind() const override { return HandleKind::kIoUring; }
  [[nodiscard]] uint64_t needed_capabilities() const override { return 0; }

 private:
  std::shared_ptr<UringSet> set_;
  uint32_t napi_ = 0;
  bool resting_ = false;
};

}  // namespace xdpfwd::poller

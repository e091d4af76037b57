// SPDX-License-Identifier: BSD-2-Clause
#include "poller/uring_handle.h"

namespace xdpfwd::poller {

UringHandle::~UringHandle() {
  rest(true);
}

Result<void> UringHandle::aim(const NapiPlace& place) {
  rest(true);
  napi_ = place.napi;
  if (auto added = set_->add(napi_); !added) {
    napi_ = 0;
    return added;
  }
  resting_ = false;
  return {};
}

void UringHandle::rest(bool resting) {
  if (resting == resting_ || napi_ == 0) return;
  if (resting)
    set_->remove(napi_);
  else if (!set_->add(napi_))
    return;  // no memory: the queue's timer and interrupts serve it, and the next turn tries again
  resting_ = resting;
}

}  // namespace xdpfwd::poller

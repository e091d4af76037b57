// SPDX-License-Identifier: BSD-2-Clause
// The one ethtool feature that decides where VLAN tags are: rxvlan ("rx-vlan-hw-parse").
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "core/net.h"

namespace xdpfwd {

struct RxVlan {
  bool on = false;
  bool fixed = false;
};

class Ethtool {
 public:
  static Result<Ethtool> open();
  // A device without the feature reads as off and fixed.
  Result<RxVlan> rxvlan(const InterfaceName& device);
  // Sets, reads back, and fails if the driver did not do it.
  Result<void> set_rxvlan(const InterfaceName& device, bool on);

 private:
  explicit Ethtool(UniqueFd socket) : socket_(std::move(socket)) {}
  Result<uint32_t> feature_index(const InterfaceName& device);

  UniqueFd socket_;
  int feature_index_ = -1;  // the same for every device of a kernel
  uint32_t feature_count_ = 0;
};

}  // namespace xdpfwd

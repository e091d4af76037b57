// SPDX-License-Identifier: BSD-2-Clause
// A guest that speaks TCP: a network namespace with a tap of its own, a thread that carries frames between it
// and the rig's tap, and the way back past the contender. And one connection to it from the wire. Everything
// but the uplink's softirqs runs on the rig's sending CPU.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "bench/rig.h"

namespace xdpfwd::bench {

class TcpGuest {
 public:
  // Of the rig's first tap. Needs tcx.
  static Result<std::unique_ptr<TcpGuest>> make(Rig& rig);
  virtual ~TcpGuest() = default;

  // Connects from the wire, and sends as fast as it goes until the guest is gone.
  virtual Result<void> fill() = 0;
  // Bytes that the guest has got.
  [[nodiscard]] virtual uint64_t received() const = 0;
};

}  // namespace xdpfwd::bench

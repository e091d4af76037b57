// SPDX-License-Identifier: BSD-2-Clause
// Where a contender works: the devices that frames come from, the taps they go to, and for whom they are. The
// rig of the host tier is one; the hypervisor in the lab's guest is another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "pktgen/netns.h"
#include "pktgen/stream.h"

namespace xdpfwd::bench {

class Site {
 public:
  virtual ~Site() = default;

  [[nodiscard]] virtual std::vector<std::string> uplinks() const = 0;  // the devices with a cable
  // What a bridge takes as its port: the bond of the uplinks, or they themselves.
  [[nodiscard]] virtual std::vector<std::string> bridge_ports() const = 0;
  [[nodiscard]] virtual std::vector<std::string> taps() const = 0;
  [[nodiscard]] virtual const std::vector<pktgen::Guest>& guests() const = 0;
  // A scratch folder; a BPF filesystem is its "bpf".
  [[nodiscard]] virtual const std::string& folder() const = 0;
  // Unique in this process.
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual unsigned rx_cpu() const = 0;
  [[nodiscard]] virtual unsigned tx_cpu() const = 0;
  // The calling thread is in the site's network namespace while the result lives.
  [[nodiscard]] virtual Result<pktgen::InNamespace> enter() const = 0;

  // By sh, in the namespace; its output is in the error.
  [[nodiscard]] Result<void> run(const std::string& command) const;
  [[nodiscard]] uint32_t ifindex(const std::string& device) const;
};

}  // namespace xdpfwd::bench

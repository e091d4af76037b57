// SPDX-License-Identifier: BSD-2-Clause
// The sink that drops in the guest, as the article's did: a tc program on the device's ingress counts our
// frames and drops them before the stack sees them. What it cannot tell is whether they were right:
// TapReceiver does that.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "pktgen/drop_sink.h"

struct drop_sink_bpf;

namespace xdpfwd::pktgen {

class TcDrop {
 public:
  // On these devices, until it is destroyed.
  static Result<std::unique_ptr<TcDrop>> start(const std::vector<std::string>& devices,
                                               const std::string& netns);
  ~TcDrop();
  TcDrop(const TcDrop&) = delete;
  TcDrop& operator=(const TcDrop&) = delete;

  // Of all CPUs and devices together.
  [[nodiscard]] Result<drop_counts> counts() const;

 private:
  TcDrop() = default;
  drop_sink_bpf* skeleton_ = nullptr;
  std::vector<UniqueFd> links_;
};

}  // namespace xdpfwd::pktgen

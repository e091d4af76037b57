// SPDX-License-Identifier: BSD-2-Clause
// How often NAPI instances were polled and what that took, of those that somebody asked for: by
// bpf/poll_work.bpf.c, which is attached as long as any is counted, and costs each poll of the host a
// look-up then.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "bpf/poll_work_abi.h"
#include "core/effect.h"

struct poll_work_bpf;

namespace xdpfwd {

class PollMeter {
 public:
  static constexpr size_t kMostNapis = XDPFWD_COUNTED_NAPIS;

  // Needs CAP_BPF and CAP_PERFMON. Takes 8 to 20 ms; attaching takes none of that.
  static Result<std::shared_ptr<PollMeter>> load();

  // Where it is counted from now on; more than once, until it was forgotten as often. ENOSPC: there are
  // kMostNapis others.
  Result<uint32_t> count(uint32_t napi);
  void forget(uint32_t place);
  // Since it was counted first. A poll that ends meanwhile may be in one number and not yet in the other.
  [[nodiscard]] PollWork work(uint32_t place) const;

 private:
  struct Destroy {
    void operator()(poll_work_bpf* object) const;
  };
  struct Place {
    uint32_t napi = 0;
    uint32_t users = 0;  // 0: it is free
  };
  explicit PollMeter(std::unique_ptr<poll_work_bpf, Destroy> object) : object_(std::move(object)) {}

  [[nodiscard]] bool counts_any() const;

  std::unique_ptr<poll_work_bpf, Destroy> object_;
  std::array<Place, kMostNapis> places_{};
};

}  // namespace xdpfwd

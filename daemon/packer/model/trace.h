// SPDX-License-Identifier: BSD-2-Clause
// The load that a simulation replays: frames that arrive for each NAPI in each step of time. Where they come
// from, a formula or a recording, is behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace xdpfwd::packer {

inline constexpr uint32_t kStepsPerSecond = 1000;  // a step is 1 ms

class Trace {
 public:
  virtual ~Trace() = default;
  [[nodiscard]] virtual size_t napis() const = 0;
  [[nodiscard]] virtual uint64_t steps() const = 0;
  // Of each NAPI: what a frame costs, in ns of a CPU.
  [[nodiscard]] virtual std::span<const float> cost_ns() const = 0;
  // The frames that arrive for each NAPI in the next step; one call a step, in order.
  virtual void next(std::span<float> frames) = 0;
};

}  // namespace xdpfwd::packer

// SPDX-License-Identifier: BSD-2-Clause
// How long frames wait in the model, as a distribution. Two kinds of waiting are kept: behind a backlog,
// which the fluid model knows exactly, and the chance waiting of a CPU that keeps up, which follows from its
// load.
#pragma once

#include <array>
#include <cstddef>

namespace xdpfwd::packer {

class Delays {
 public:
  // `service_us`: of a burst of frames that arrive together.
  explicit Delays(double service_us) : service_us_(service_us) {}
  // Frames of a CPU that kept up at this load: they wait with probability `load`, and then exponentially
  // with the mean service / (1 - load), as in an M/M/1 queue of bursts.
  void keeping_up(double load, double frames);
  void behind(double wait_us, double frames);
  [[nodiscard]] double service_us() const { return service_us_; }
  // In microseconds; 0 if there were no frames.
  [[nodiscard]] double quantile(double share) const;

 private:
  static constexpr size_t kLoads = 1000;
  static constexpr size_t kWaits = 400;  // 40 a decade, from 0.1 us
  [[nodiscard]] double longer_than(double wait_us) const;

  double service_us_;
  std::array<double, kLoads> by_load_{};
  std::array<double, kWaits> by_wait_{};
};

}  // namespace xdpfwd::packer

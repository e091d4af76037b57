// SPDX-License-Identifier: BSD-2-Clause
// Where a test runs the uplink program: in the kernel, by BPF_PROG_TEST_RUN, or compiled into this process,
// where frames can be shorter than the kernel's test run allows. One interface, so that both run the same
// checks.
#pragma once

#include "base/result.h"
#include "tests/bpf/world.h"

namespace xdpfwd::test {

class Engine {
 public:
  virtual ~Engine() = default;

  // The tables hold exactly this from now on. Counters are not touched.
  virtual Result<void> install(const World& world) = 0;
  // Runs the program on one frame. `output` is reused.
  virtual Result<void> run(const Input& input, Output& output) = 0;
  // Fails if anything was counted for another member than ours.
  virtual Result<Counters> counters() = 0;
  // Whether the engine can put this frame before the program.
  [[nodiscard]] virtual bool can_run(const Input& input) const = 0;
};

// The member slot that the engines' program has. Not 0, and the slots beside it have other flags, so that
// reading another member's shows.
inline constexpr uint32_t kMemberSlot = 7;

}  // namespace xdpfwd::test

// SPDX-License-Identifier: BSD-2-Clause
// The only door between what we decide and what Linux does. LinuxKernel is the real one; tests have
// FakeKernel; one contract suite runs on both.
#pragma once

#include "core/action.h"
#include "core/sample.h"
#include "core/state.h"

namespace xdpfwd {

// What an observation reads. Members alone (and whether the table is there) take microseconds: no message
// tells when somebody takes a program off a NIC. Links and ports are cheap and read at each look; a million
// rows take 0.3 s, so they are read on adoption and on a slow audit.
enum class Scope { kMembers, kWithoutRows, kWithRows };

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual Result<State> observe(Scope scope) = 0;
  virtual Outcome apply(const Action& action) = 0;
  virtual Result<Sample> sample() = 0;
};

}  // namespace xdpfwd

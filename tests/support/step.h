// SPDX-License-Identifier: BSD-2-Clause
// What an action does to a State, as the kernel would do it. FakeKernel is made of it; the contract suite
// holds it against Linux.
#pragma once

#include "base/result.h"
#include "core/action.h"
#include "core/state.h"

namespace xdpfwd {

// Changes `state`, or leaves it as it was and says why.
Result<void> step(State& state, const Action& action);

// Likewise what a Tune does to a host's settings: one that is there changes, a rule comes and goes. No
// driver's manners.
Result<void> step(HostTuning& host, const Tune& tune);

}  // namespace xdpfwd

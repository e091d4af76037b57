// SPDX-License-Identifier: BSD-2-Clause
// The difference between what is wanted and what is there, as steps in an order in which every prefix is
// safe: a crash after any step leaves no frame going to a wrong tap, and no unaffected frame off the fast
// path.
#pragma once

#include <vector>

#include "core/action.h"
#include "core/state.h"

namespace xdpfwd {

// `desired` comes from compile() against the same `observed`. An empty plan means: nothing to do.
std::vector<Action> plan(const State& desired, const State& observed);

}  // namespace xdpfwd

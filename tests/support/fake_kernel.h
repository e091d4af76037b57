// SPDX-License-Identifier: BSD-2-Clause
// A Kernel in memory: a State, the pure step(), and a script of faults. It can fail as Linux can; the
// contract suite holds both against each other.
#pragma once

#include <deque>
#include <functional>

#include "kernel/kernel.h"
#include "support/step.h"

namespace xdpfwd::test {

class FakeKernel final : public Kernel {
 public:
  // Asked before every action: an Error makes the action fail without effect. May change the state: a tap
  // that vanishes between two steps.
  using Fault = std::function<std::optional<Error>(State& state, const Action& action, size_t nth)>;

  State state;
  HostTuning tuning;  // what an observation of it returns, whatever its scope; a Tune writes here
  Fault fault;
  std::vector<Action> applied;  // that succeeded, in order
  size_t observations_with_rows = 0;
  size_t looks = 0;  // at more than the members

  Result<State> observe(Scope scope) override {
    if (scope == Scope::kWithRows) ++observations_with_rows;
    State seen = state;
    if (scope != Scope::kWithRows) seen.table.rows.clear();
    if (scope == Scope::kMembers) {
      seen.links.clear();
      seen.ports.clear();
      seen.nics.clear();
    } else {
      ++looks;
    }
    return seen;
  }

  Result<HostTuning> observe_tuning(const TuningScope& /*scope*/) override { return tuning; }

  Outcome apply(const Action& action) override {
    if (fault)
      if (auto error = fault(state, action, count_++)) return {.status = std::unexpected(*error)};
    const auto* tune = std::get_if<Tune>(&action);
    auto status = tune ? step(tuning, *tune) : step(state, action);
    Outcome outcome{.status = status};
    if (!status) return outcome;
    applied.push_back(action);
    if (const auto* rows = std::get_if<SetRows>(&action)) outcome.rows_done = rows->rows.size();
    if (const auto* rows = std::get_if<DeleteRows>(&action)) outcome.rows_done = rows->keys.size();
    return outcome;
  }

  Result<Sample> sample() override {
    Sample sample;
    for (const Port& port : state.ports) sample.ports.push_back({.slot = port.slot});
    for (const Member& member : state.members) sample.members.push_back({.slot = member.slot});
    return sample;
  }

 private:
  size_t count_ = 0;
};

}  // namespace xdpfwd::test

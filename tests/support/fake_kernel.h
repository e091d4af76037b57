// SPDX-License-Identifier: BSD-2-Clause
// A Kernel in memory: a State, the pure step(), and a script of faults. It can fail as Linux can; the
// contract suite holds both against each other.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "support/step.h"

namespace xdpfwd::test {

class FakeKernel final : public Kernel {
  class FakeWatch final : public EffectWatch {
   public:
    explicit FakeWatch(FakeKernel& kernel) : kernel_(kernel) { ++kernel_.watches; }
    ~FakeWatch() override { --kernel_.watches; }
    FakeWatch(const FakeWatch&) = delete;
    FakeWatch& operator=(const FakeWatch&) = delete;
    Result<EffectReading> read() override {
      const size_t nth = kernel_.readings_++;
      if (kernel_.on_reading) kernel_.on_reading(nth);
      return kernel_.effect[std::min(nth, kernel_.effect.size() - 1)];
    }

   private:
    FakeKernel& kernel_;
  };

  class FakeMeter final : public ThreadMeter {
   public:
    explicit FakeMeter(FakeKernel& kernel) : kernel_(kernel), asked_(kernel.metered) {}
    Result<std::vector<ThreadTimes>> read() override {
      if (kernel_.meter_faults(asked_)) return std::unexpected(*kernel_.meter_fault);
      return kernel_.threads;
    }
    Result<void> move_thread(size_t nth, uint32_t cpu) override {
      const NapiThread& thread = asked_.at(nth);
      const Nic* nic = find_nic(kernel_.tuning, thread.nic.ifindex);
      const auto place = nic ? std::ranges::find(nic->napis, thread.napi) - nic->napis.begin() : 0;
      return move(Knob::kThreadCpus, thread, static_cast<uint32_t>(place), cpu);
    }
    Result<void> move_interrupt(size_t nth, uint32_t cpu) override {
      return move(Knob::kIrqAffinity, asked_.at(nth), asked_.at(nth).irq, cpu);
    }

   private:
    Result<void> move(Knob knob, const NapiThread& thread, uint32_t index, uint32_t cpu) {
      const Setting setting{thread.nic.ifindex, knob, index};
      return kernel_.apply(Tune{.setting = setting, .name = thread.nic.name, .value = std::to_string(cpu)})
          .status;
    }
    FakeKernel& kernel_;
    std::vector<NapiThread> asked_;
  };

 public:
  // Asked before every action: an Error makes the action fail without effect. May change the state: a tap
  // that vanishes between two steps.
  using Fault = std::function<std::optional<Error>(State& state, const Action& action, size_t nth)>;

  State state;
  HostTuning tuning;  // what an observation of it returns, whatever its scope; a Tune writes here
  Fault fault;
  std::vector<Action> applied;  // that succeeded, in order
  std::optional<Error> observe_fault;
  size_t observations_with_rows = 0;
  size_t tuning_looks = 0;
  size_t looks = 0;  // at more than the members

  Result<State> observe(Scope scope) override {
    if (observe_fault) return std::unexpected(*observe_fault);
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

  Result<HostTuning> observe_tuning(const TuningScope& /*scope*/) override {
    ++tuning_looks;
    return tuning;
  }

  // The readings of a watch, one after the other; the last one again and again.
  std::vector<EffectReading> effect = {EffectReading{}};
  std::function<void(size_t nth)> on_reading;  // may change `effect`
  size_t watches = 0;                          // that exist now
  std::optional<Error> watch_fault;

  Result<std::unique_ptr<EffectWatch>> watch_effect(const std::vector<TunedDevice>& /*nics*/) override {
    if (watch_fault) return std::unexpected(*watch_fault);
    return std::make_unique<FakeWatch>(*this);
  }

  std::vector<ThreadTimes> threads;  // a meter's next reading, of all threads whatever was asked for
  std::vector<NapiThread> metered;
  std::optional<Error> meter_fault;
  std::optional<uint32_t> meter_fault_nic;  // of this alone
  [[nodiscard]] bool meter_faults(const std::vector<NapiThread>& asked) const {
    return meter_fault && (!meter_fault_nic || asked.front().nic.ifindex == *meter_fault_nic);
  }

  Result<std::unique_ptr<ThreadMeter>> meter_threads(const std::vector<NapiThread>& asked) override {
    if (meter_faults(asked)) return std::unexpected(*meter_fault);
    metered = asked;
    return std::make_unique<FakeMeter>(*this);
  }

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
  size_t readings_ = 0;
  size_t count_ = 0;
};

}  // namespace xdpfwd::test

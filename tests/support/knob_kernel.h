// SPDX-License-Identifier: BSD-2-Clause
// A Kernel that has a host's knobs only, and the threads of its NAPI instances; for the tuner and what stands
// on it.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "support/fake_host_tuning.h"

namespace xdpfwd::test {

class KnobKernel final : public Kernel {
 public:
  FakeHostTuning host{4};
  std::function<std::optional<Error>(const Tune&)> fault;  // an Error: the step fails without effect
  size_t looks = 0;
  std::vector<Tune> applied;
  std::optional<size_t> calls_left;  // the daemon is killed before the call after these
  TuningScope scope;                 // of the last look
  uint64_t time_ns = 0;
  std::map<uint32_t, ThreadTimes> threads;  // by NAPI; time_ns is how long after the kernel's each is read
  std::vector<NapiThread> metered;          // what the last meter is for
  size_t meters = 0;                        // that were made
  std::optional<Error> meter_fault;
  std::set<uint32_t> ended;  // NICs whose threads have, by ifindex

  Result<State> observe(Scope /*scope*/) override { return State{}; }
  Result<Sample> sample() override { return Sample{}; }
  // Unwinds the tuner, which never expects it: as a kill, it leaves the files and the host as they are.
  struct Killed {};
  void count_call() {
    if (calls_left && (*calls_left)-- == 0) throw Killed();
  }
  Result<HostTuning> observe_tuning(const TuningScope& asked) override {
    count_call();
    ++looks;
    scope = asked;
    HostTuning seen = host.observe();
    // Whoever has another name by now is not there.
    for (const TunedDevice& nic : asked.nics)
      if (std::erase_if(seen.nics,
                        [&](const Nic& n) { return n.ifindex == nic.ifindex && n.name != nic.name; }) != 0)
        std::erase_if(seen.settings, [&](const SettingValue& v) { return v.setting.ifindex == nic.ifindex; });
    return seen;
  }
  Result<std::unique_ptr<EffectWatch>> watch_effect(const std::vector<TunedDevice>& /*nics*/) override {
    return fail("nothing is watched here");
  }
  Result<std::unique_ptr<ThreadMeter>> meter_threads(const std::vector<NapiThread>& asked) override {
    if (meter_fault) return std::unexpected(*meter_fault);
    if (has_ended(asked)) return fail("it has ended", {}, ESRCH);
    metered = asked;
    ++meters;
    return std::make_unique<Meter>(*this);
  }
  Outcome apply(const Action& action) override {
    count_call();
    const Tune& tune = std::get<Tune>(action);
    if (fault)
      if (auto error = fault(tune)) return {.status = std::unexpected(*error)};
    auto status = host.apply(tune);
    if (status) applied.push_back(tune);
    return {.status = status};
  }

 private:
  [[nodiscard]] bool has_ended(const std::vector<NapiThread>& asked) const {
    return std::ranges::any_of(asked,
                               [&](const NapiThread& thread) { return ended.contains(thread.nic.ifindex); });
  }
  class Meter final : public ThreadMeter {
   public:
    explicit Meter(KnobKernel& kernel) : kernel_(kernel), asked_(kernel.metered) {}
    Result<std::vector<ThreadTimes>> read() override {
      if (kernel_.meter_fault) return std::unexpected(*kernel_.meter_fault);
      if (kernel_.has_ended(asked_)) return fail("it has ended", {}, ESRCH);
      std::vector<ThreadTimes> all;
      for (const NapiThread& thread : asked_) {
        all.push_back(kernel_.threads[thread.napi]);
        all.back().time_ns = kernel_.time_ns + all.back().time_ns;
      }
      return all;
    }
    Result<void> move_thread(size_t nth, uint32_t cpu) override {
      const NapiThread& thread = asked_.at(nth);
      const auto& napis = kernel_.host.nic(thread.nic.ifindex).napis;
      const auto place = static_cast<uint32_t>(std::ranges::find(napis, thread.napi) - napis.begin());
      return move(Knob::kThreadCpus, thread, place, cpu);
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
    KnobKernel& kernel_;
    std::vector<NapiThread> asked_;
  };
};

}  // namespace xdpfwd::test

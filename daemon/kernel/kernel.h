// SPDX-License-Identifier: BSD-2-Clause
// The only door between what we decide and what Linux does. LinuxKernel is the real one; tests have
// FakeKernel; one contract suite runs on both.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/action.h"
#include "core/effect.h"
#include "core/sample.h"
#include "core/setting.h"
#include "core/state.h"

namespace xdpfwd {

// What an observation reads. Members alone (and whether the table is there) take microseconds: no message
// tells when somebody takes a program off a NIC. Links and ports are cheap and read at each look; a million
// rows take 0.3 s, so they are read on adoption and on a slow audit.
enum class Scope { kMembers, kWithoutRows, kWithRows };

// What tuning looks at: NICs with everything they have, taps with their qdisc and RPS only. A device
// that is no longer there under its name is left out.
struct TunedDevice {
  uint32_t ifindex = 0;
  InterfaceName name;
  bool operator==(const TunedDevice&) const = default;
};
struct TuningScope {
  std::vector<TunedDevice> nics;
  std::vector<TunedDevice> taps;
};

// Counts what NICs do as long as it exists.
class EffectWatch {
 public:
  virtual ~EffectWatch() = default;
  virtual Result<EffectReading> read() = 0;
};

// A NAPI instance that has a thread.
struct NapiThread {
  TunedDevice nic;
  uint32_t napi = 0;  // id
  uint32_t irq = 0;   // that moves along; 0 = none
  bool operator==(const NapiThread&) const = default;
};

// Reads what threads ran, and moves them and their interrupts, as long as it exists: those that it was made
// for, whoever has their numbers by then. ESRCH: a thread has ended.
class ThreadMeter {
 public:
  virtual ~ThreadMeter() = default;
  // In the order in which they were asked for.
  virtual Result<std::vector<ThreadTimes>> read() = 0;
  // Why not all are read in one call, which costs more; nothing: they are.
  [[nodiscard]] virtual std::optional<Error> one_by_one() const { return std::nullopt; }
  // Why polls are not counted, of some or all; nothing: they are.
  [[nodiscard]] virtual std::optional<Error> uncounted() const { return std::nullopt; }
  // To one CPU, read back. EINVAL: it is offline.
  virtual Result<void> move_thread(size_t nth, uint32_t cpu) = 0;
  // ENODEV: it is another interrupt, or none; EIO: nobody may move it.
  virtual Result<void> move_interrupt(size_t nth, uint32_t cpu) = 0;
};

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual Result<State> observe(Scope scope) = 0;
  virtual Outcome apply(const Action& action) = 0;
  virtual Result<Sample> sample() = 0;
  virtual Result<HostTuning> observe_tuning(const TuningScope& scope) = 0;
  virtual Result<std::unique_ptr<EffectWatch>> watch_effect(const std::vector<TunedDevice>& nics) = 0;
  virtual Result<std::unique_ptr<ThreadMeter>> meter_threads(const std::vector<NapiThread>& threads) = 0;
};

}  // namespace xdpfwd

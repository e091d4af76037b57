// SPDX-License-Identifier: BSD-2-Clause
// The controller of mode auto: samples what NAPI's threads ran and waited, asks the packer, and has the tuner
// move threads and interrupts, once in each control interval. It does nothing where there is nothing to pack.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/napi_report.h"
#include "core/report.h"
#include "kernel/kernel.h"
#include "packer/packer.h"
#include "shell/tuner.h"

namespace xdpfwd {

class Packing {
 public:
  static constexpr uint64_t kPeriodMs = 100;
  // After a sample that failed, of the NIC it failed for: it was reset, and the tuner's look finds what there
  // is now. Twice as long each time that it fails again.
  static constexpr uint64_t kPauseMs = 1000;
  // A sample over more than this is none.
  static constexpr uint64_t kLongestMs = 10 * kPeriodMs;
  // A NAPI that could not be moved stays where it is so long, and the others go on.
  static constexpr uint64_t kStayMs = 10'000;

  // Both must outlive it.
  Packing(Kernel& kernel, Tuner& tuner) : kernel_(kernel), tuner_(tuner) {}

  // A control interval is over, or what there is to pack has changed.
  void tick(uint64_t now_ms);
  // When to call tick(); empty while there is nothing to pack, and nothing left of what was.
  [[nodiscard]] std::optional<uint64_t> next_ms() const;
  // Whether threads, interrupts or CPUs are not what the tuner saw last, which nobody else tells: it should
  // look at once. Says so once.
  [[nodiscard]] bool take_surprise() { return std::exchange(surprised_, false); }

  // Of the last interval, by id; those that are not sampled are left out.
  struct Load {
    float busy = 0;     // share of the interval in which its thread ran
    float waiting = 0;  // in which it could have run
    // A second; nothing: they are not counted.
    std::optional<uint32_t> polls;
    std::optional<uint32_t> packets;  // that they took
    uint64_t moves = 0;
  };
  [[nodiscard]] const std::map<uint32_t, Load>& loads() const { return loads_; }
  [[nodiscard]] PackingReport report() const;
  // What it cannot do, and when it tries again.
  [[nodiscard]] std::optional<Problem> problem(uint64_t now_ms) const;

 private:
  struct MeteredNic {
    std::vector<NapiThread> threads;
    std::unique_ptr<ThreadMeter> meter;  // none: to be made
    bool outdated = false;               // an interrupt is not what the meter was made for
    std::vector<packer::NapiLoad> last;  // what was read of it last
    std::vector<ThreadTimes> before;     // the last reading; empty: none
    std::string read_how;                // as told last
    std::string uncounted;               // why, as told last
    std::optional<Error> failed;
    uint32_t failures = 0;  // in a row
    uint64_t retry_ms = 0;
    [[nodiscard]] size_t nth(uint32_t napi) const;  // of the meter
  };

  [[nodiscard]] bool is_clear() const;
  void clear();
  // What was learnt is kept as long as the CPUs are the same.
  Result<void> make_packer(const Packable& packable);
  void forget_those_gone(const Packable& packable);
  // The loads of one NIC's NAPIs, if an interval of theirs is over, behind the others'.
  Result<void> sample(MeteredNic& nic, std::span<const PackedNapi> napis,
                      std::vector<packer::NapiLoad>& loads);
  void keep(const MeteredNic& nic, std::span<const PackedNapi> napis,
            std::vector<packer::NapiLoad>& loads) const;
  static void tell_how_threads_are_read(MeteredNic& nic, const InterfaceName& device);
  static void tell_uncounted(MeteredNic& nic, const InterfaceName& device);
  void fail_for_a_while(MeteredNic& nic, const Error& error, std::span<const PackedNapi> napis);
  // Thread and interrupt, or neither.
  void move(const PackedNapi& napi, uint32_t cpu);
  Result<void> move_both(const PackedNapi& napi, uint32_t cpu);
  Result<void> move_thread(const PackedNapi& napi, uint32_t cpu);
  Result<void> move_interrupt(const PackedNapi& napi, uint32_t cpu);
  [[nodiscard]] bool refused(uint32_t napi) const;
  [[nodiscard]] std::vector<uint32_t> may_go_to(const PackedNapi& napi) const;

  Kernel& kernel_;
  Tuner& tuner_;
  std::optional<packer::Packer> packer_;
  std::vector<PackingCpu> cpus_;  // the packer's
  uint32_t target_percent_ = 0;
  std::map<uint32_t, MeteredNic> nics_;  // by ifindex
  std::map<uint32_t, Load> loads_;
  uint64_t moves_ = 0;
  uint64_t next_ms_ = 0;
  uint64_t now_ms_ = 0;          // of the last tick
  std::optional<Error> failed_;  // of the packer
  bool surprised_ = false;
  // A CPU may have no vector left; whatever refuses two of them refuses others, too.
  static constexpr size_t kMostRefusals = 2;
  struct Refusal {
    Error error;
    uint64_t until_ms = 0;       // then all is tried again
    std::vector<uint32_t> cpus;  // until then it goes to none of these, or nowhere
  };
  std::map<uint32_t, Refusal> refusals_;  // by NAPI, until it moves
  std::map<uint32_t, Error> alone_;       // by NAPI: its interrupt cannot follow its thread
};

}  // namespace xdpfwd

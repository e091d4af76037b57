// SPDX-License-Identifier: BSD-2-Clause
// Makes the host's knobs what the configuration wants, and puts them back: looks, plans, notes in the undo
// log, changes, reads back. Which value a knob should have is decided in tuning/; when to look, by the
// daemon.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/report.h"
#include "kernel/kernel.h"
#include "shell/undo_file.h"
#include "tuning/desire.h"
#include "tuning/fight.h"
#include "tuning/packing.h"
#include "tuning/plan_tuning.h"
#include "tuning/tap_rates.h"
#include "tuning/verify.h"
#include "tuning/wish.h"

namespace xdpfwd {

// What is tuned, as it is there now.
struct TunedNic {
  uint32_t ifindex = 0;
  InterfaceName name;
  bool carries = false;  // frames: it has a link, and its bond takes frames from it
  bool operator==(const TunedNic&) const = default;
};
struct TunedDevices {
  std::vector<TunedNic> nics;  // the members
  std::vector<TunedTap> taps;
  // All devices that are there: what was tuned once, and has another name now. By ifindex.
  std::map<uint32_t, InterfaceName> names{};
};

class Tuner {
 public:
  // When nothing is heard, looks are so far apart: nobody tells that somebody set a value.
  static constexpr uint64_t kPeriodMs = 30'000;
  // Two looks are at least so far apart, however much is heard.
  static constexpr uint64_t kPauseMs = 500;
  // A NIC that a step reset has so long to carry frames again. If it does not, no other is reset: it may be
  // the last one that carries.
  static constexpr uint64_t kCarrierMs = 30'000;
  // Whoever asks for members_seen() again and again has them observed so often.
  static constexpr uint64_t kSeenMs = 1000;
  // So long a stop waits for such NICs; systemd kills after 90 s.
  static constexpr uint64_t kStopMs = 60'000;
  // What a driver refuses for a moment only (EBUSY) is tried again after a second, then two, four...
  static constexpr uint64_t kRetryMs = 1000;
  static constexpr uint64_t kLongestRetryMs = 60'000;

  Tuner(Kernel& kernel, std::string state_dir, std::string boot_id);

  // Reads the undo log. What cannot be read is a problem, and nothing is changed until it can.
  void load();
  // Another configuration, or other guests: what was refused is tried again; but what takes a NIC's link away
  // only where another value of it is wanted, or somebody asks for tuning.
  void set_wish(Wish wish);
  // A start or a reload: with "auto", a revert that somebody asked for before is over.
  void start_again();

  // Whether guests are steered, and it is time to say how much their taps are sent.
  [[nodiscard]] bool wants_rates(uint64_t now_ms) const;
  void feed_rates(const std::vector<TapCount>& counts, uint64_t now_ms) { rates_.feed(counts, now_ms); }

  // Queues (sorted) that nothing busy-polls, as their pollers found.
  void set_unpolled(std::vector<uint32_t> queues);
  // Whether pollers are wanted at all, whatever the last look found.
  [[nodiscard]] bool may_poll() const;
  // Those that should run, as of the last look; none while nothing is held.
  [[nodiscard]] std::vector<Poller> pollers() const;
  // The same, as if what was planned last were held.
  [[nodiscard]] const std::vector<Poller>& planned_pollers() const { return pollers_; }

  // Something may have changed. Does nothing that nobody asked for.
  void look(const TunedDevices& devices, uint64_t now_ms);
  // When to call look() though nothing happened; empty while nothing is held.
  [[nodiscard]] std::optional<uint64_t> next_look_ms() const { return next_ms_; }

  // What apply() would do.
  Result<TuningReport> plan(const TunedDevices& devices, uint64_t now_ms);
  // Asks for tuning from now on, over restarts. Fails where tuning.apply is "off".
  Result<TuningReport> apply(const TunedDevices& devices, uint64_t now_ms);
  // Puts back what was there before us, and asks for tuning no more.
  Result<TuningReport> revert(const TunedDevices& devices, uint64_t now_ms);
  // As revert(), but the next start tunes again. True: not over, call it again soon.
  [[nodiscard]] bool stop(const TunedDevices& devices, uint64_t now_ms);
  // Whether what is wished is held: tuning was asked for, and not put back since.
  [[nodiscard]] bool holds() const { return goal() == Goal::kWish; }
  // What is changed now.
  [[nodiscard]] TuningReport status(uint64_t now_ms) const;
  [[nodiscard]] std::vector<Problem> problems(uint64_t now_ms) const;
  // The NAPI instances of mode auto, as of the last look; none while nothing is held.
  [[nodiscard]] const Packable& packable() const { return packable_; }
  // The members as they were kSeenMs ago at most, with what mode auto has moved since.
  Result<HostTuning> members_seen(const TunedDevices& devices, uint64_t now_ms);
  // The thread of one of them, or its interrupt, was moved. The undo log says already that both are where we
  // like; whoever moves them elsewhere is not fought.
  void thread_moved(uint32_t napi, uint32_t cpu);
  void interrupt_moved(uint32_t napi, uint32_t cpu);

  // What is wanted of this host as it is now, and what drivers did with it: for whoever verifies.
  [[nodiscard]] WantedTuning wanted(const HostTuning& members, const TunedDevices& devices) const;

 private:
  enum class Goal { kNothing, kWish, kBefore };
  // A value that a driver refused, or took and did not keep.
  struct Refused {
    InterfaceName device;
    std::string wanted;
    std::string why;
    std::string remedy;
    bool resets = false;    // each try takes the link away
    uint64_t retry_ms = 0;  // when it is tried again by itself; 0: not
  };
  struct Look {
    TuningPlan plan;
    std::vector<Remark> remarks;  // of the desire
  };

  [[nodiscard]] bool concerns_somebody() const;
  [[nodiscard]] Goal goal() const;
  [[nodiscard]] TuningScope scope_of(const TunedDevices& devices) const;
  [[nodiscard]] GuestLoads loads() const;
  [[nodiscard]] std::vector<Setting> holding(uint64_t now_ms);
  Result<void> observe(const TunedDevices& devices, uint64_t now_ms);
  // A device is who it is by its ifindex, within a boot: its entries follow its name.
  void follow_names(const TunedDevices& devices);
  Result<Look> look_for(Goal goal, const TunedDevices& devices, uint64_t now_ms, bool counts);
  // Until there is nothing to do, or something to wait for; the steps that worked.
  Result<std::vector<TuningStep>> work(Goal goal, const TunedDevices& devices, uint64_t now_ms);
  Result<std::vector<TuningStep>> take(const TuningPlan& plan, const TunedDevices& devices, uint64_t now_ms);
  void note_outcome(const TuningStep& step, const Result<void>& done, uint64_t now_ms);
  void retry_refused(uint64_t now_ms);
  // The first time that something refused is tried again; 0: none.
  [[nodiscard]] uint64_t next_retry_ms() const;
  void forget_refusals();
  // Of values that are not wanted any more. True if there were any.
  bool forget_outdated_refusals(const std::vector<DesiredSetting>& desired);
  void read_back(const std::vector<TuningStep>& steps, const HostTuning& observed);
  bool is_first_time(const TuningStep& step);
  bool one_reset_at_a_time(TuningPlan& plan, const TunedDevices& devices) const;
  void see_carrier(const TunedDevices& devices, uint64_t now_ms);
  void note(const Result<std::vector<TuningStep>>& worked, const TunedDevices& devices, uint64_t now_ms);
  [[nodiscard]] HostTuning observed_members(const TunedDevices& devices) const;
  void see_packable(const TunedDevices& devices);
  void note_roaming(const Setting& setting, uint32_t cpu);
  [[nodiscard]] TuningReport report_of(const Look& look, uint64_t now_ms) const;
  Result<TuningReport> finish(Goal goal, const TunedDevices& devices, uint64_t now_ms);

  Kernel& kernel_;
  UndoFile file_;
  UndoLog log_;
  std::optional<Error> unread_;  // the file's
  bool asked_ = false;
  bool reverted_ = false;  // by hand, since the last start or reload
  Wish wish_;
  HostTuning observed_;
  std::optional<uint64_t> observed_ms_;
  Packable packable_;
  TapRates rates_;
  std::vector<uint32_t> unpolled_;  // sorted
  std::vector<Poller> pollers_;     // of the last look
  std::map<Setting, Refused> refused_;
  std::map<Setting, uint32_t> busy_;  // how often in a row each was refused for a moment
  // Set to this value without an error and read otherwise, once: somebody may just have reset the NIC.
  std::map<Setting, std::string> unkept_;
  Fights fights_;
  std::map<Setting, InterfaceName> fought_;  // that are held now; each has been logged
  std::vector<Remark> remarks_;              // of the last look
  std::vector<LeftAlone> left_alone_;        // since the wish changed
  std::optional<Error> failed_;              // the last look
  struct Resetting {
    uint32_t ifindex = 0;
    InterfaceName name;
    bool carried = false;
    uint64_t since_ms = 0;
    bool lost = false;  // it carried, and does not any more
  };
  std::optional<Resetting> resetting_;
  bool waits_ = false;
  bool hurries_ = false;  // what carries nothing is reset without waiting
  std::optional<uint64_t> stopping_since_ms_;
  bool changed_log_ = false;  // it is not on disk as it is here
  uint64_t last_ms_ = 0;
  std::optional<uint64_t> next_ms_;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The daemon without its event loop: configuration and guests on one side, the reconciler on the other, and
// the answers to what clients ask. Works on any Kernel.
#pragma once

#include <cerrno>
#include <functional>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "core/control.h"
#include "kernel/kernel.h"
#include "shell/guest_set.h"
#include "shell/measurement.h"
#include "shell/packing.h"
#include "shell/poller_units.h"
#include "shell/reconciler.h"
#include "shell/tuner.h"
#include "shell/tx_walk.h"
#include "sources/guest_store.h"

namespace xdpfwd {

class Daemon final : public Control {
 public:
  using Clock = std::function<uint64_t()>;  // milliseconds, only going forward

  // `config` was read from `config_files`: `config_file` and its drop-ins, which are read again on reload.
  Daemon(Kernel& kernel, std::string config_file, std::vector<std::string> config_files, Config config,
         Clock clock);

  // Called after every look, whoever asked for it.
  void set_on_look(std::function<void()> on_look) { on_look_ = std::move(on_look); }
  // Who starts pollers; without, people do.
  void use_services(std::unique_ptr<Services> services) { pollers_.use(std::move(services)); }
  // Loads the stored guests, adopts what is in the kernel, and makes it match. Fails where another daemon has
  // the state directory.
  Result<void> start();
  // Something may have changed: look again.
  void look_again();
  void audit();
  // Somebody may have taken a program off behind our back: cheap enough to ask often.
  void check();
  // A knob may have changed, and nothing else.
  void look_at_tuning();
  // A control interval of packing is over (mode auto).
  void pack();
  // When to call that; empty: there is nothing to pack, or values of tx-usecs are tried, and nothing else is
  // tuned.
  [[nodiscard]] std::optional<uint64_t> next_pack_ms() const;
  // The daemon is about to end: puts tuning back where the configuration says so. True: call it again when a
  // link changed, or a second later, as a NIC that was reset has no link yet.
  [[nodiscard]] bool stop();
  // When to look again though nothing happened.
  [[nodiscard]] std::optional<uint64_t> next_look_ms() const;
  [[nodiscard]] const Settings& settings() const { return settings_; }
  // One line for sd_notify and people.
  [[nodiscard]] std::string summary() const;

  StatusReport status() override;
  std::vector<GuestReport> guests() override;
  std::vector<FdbReport> fdb(FdbKey first, size_t count) override;
  std::vector<PortReport> ports() override;
  Result<StatsReport> stats() override;
  Result<PlanReport> plan() override;
  Result<void> add_guest(Guest guest, bool ephemeral) override;
  Result<void> delete_guest(const std::string& name) override;
  Result<void> reload() override;
  Result<void> detach(const std::vector<InterfaceName>& members) override;
  Result<TuningReport> tune_plan() override;
  TuningReport tune_status() override;
  Result<NapiStatusReport> napi_status() override;
  Result<TuningReport> set_napi(std::optional<NapiWish> wish) override;
  Result<TuningReport> tune_apply() override;
  Result<TuningReport> tune_revert() override;
  Result<Ongoing<PollsReport>> watch_polls(uint64_t seconds) override;
  Result<Ongoing<VerifyReport>> tune_verify(uint64_t seconds) override;
  Result<Ongoing<SuggestReport>> suggest_tx_coalesce(const InterfaceName& member,
                                                     uint64_t seconds_each) override;

 private:
  struct Candidate {
    std::vector<std::string> files;
    Settings settings;
    GuestSet guests;
    Intent intent;
  };
  // What the files say now, checked together with the guests from elsewhere.
  [[nodiscard]] Result<Candidate> read_candidate() const;
  Result<void> use_guests(GuestSet guests, bool persist);
  // Looks again; fails if something could not be done.
  Result<void> settle();
  void look_at_knobs();
  // Has those pollers run that tuning wants, after each look at it.
  void end_pollers_of_another_mode();
  void look_at_pollers();
  // Sets again what a trial of tx-usecs left, where that could not be done when it ended. False: the knobs
  // must be left alone, as what is set now is nobody's wish.
  bool undo_trial();
  [[nodiscard]] Result<void> may_tune() const;
  [[nodiscard]] Wish wish() const;
  void note_look(const Result<void>& looked);
  [[nodiscard]] TunedDevices tuned_devices() const { return tuned_devices(reconciler_.observed()); }
  [[nodiscard]] TunedDevices tuned_devices(const State& observed) const;
  Result<std::shared_ptr<Measurement>> measure(uint64_t seconds);
  [[nodiscard]] PortState port_state(size_t tap) const;
  [[nodiscard]] std::vector<MemberReport> members(const Sample* sample) const;
  [[nodiscard]] std::vector<Problem> problems() const;

  Clock clock_;
  uint64_t started_ms_;
  std::string config_file_;
  std::vector<std::string> config_files_;
  Settings settings_;
  UniqueFd state_lock_;
  GuestSet guests_;
  std::vector<Guest> active_;          // those that the intent's rows refer to
  std::vector<Problem> own_problems_;  // of the stored guests
  std::optional<Error> observe_error_;
  std::optional<Problem> refused_reload_;
  GuestStore store_;
  Reconciler reconciler_;
  Tuner tuner_;
  PollerUnits pollers_;
  Packing packing_;
  std::optional<NapiWish> napi_by_hand_;
  std::function<void()> on_look_;
  Kernel& kernel_;
  std::vector<std::weak_ptr<Measurement>> measurements_;  // under way
  std::weak_ptr<TxWalk> walk_;                            // under way: nothing else is tuned meanwhile
  struct Trial {
    Error error;
    uint64_t retry_ms = 0;
    [[nodiscard]] bool gone() const { return error.code == ENODEV; }  // with its NIC, which nobody can tune
  };
  std::optional<Trial> trial_;  // that could not be undone
  std::optional<uint64_t> stopping_since_ms_;
  std::optional<uint64_t> pollers_since_ms_;  // that the daemon stops, and they with it
};

}  // namespace xdpfwd

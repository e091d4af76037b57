// SPDX-License-Identifier: BSD-2-Clause
// Makes the kernel match the intent: observe, compile, plan, apply, until there is nothing left to do, and
// remembers what was refused and when to try it again. An event only means "look again"; what changed is
// found by looking.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/compile.h"
#include "kernel/kernel.h"

namespace xdpfwd {

class Reconciler {
 public:
  // Told of every step that was taken, or refused.
  using OnStep = std::function<void(const Action&, const Outcome&)>;

  Reconciler(Kernel& kernel, OnStep on_step) : kernel_(kernel), on_step_(std::move(on_step)) {}

  void set_intent(Intent intent);
  void set_hold(Hold hold) { hold_ = std::move(hold); }
  [[nodiscard]] const Intent& intent() const { return intent_; }
  [[nodiscard]] const Hold& hold() const { return hold_; }

  // One look and whatever it takes. `now_ms` is any clock that only goes forward. Fails if the kernel cannot
  // be observed; everything else is a problem, told by problems().
  Result<void> reconcile(uint64_t now_ms);
  // Reads the rows back too: for a slow audit.
  Result<void> audit(uint64_t now_ms);
  // A look of microseconds at what no message tells of; reconciles when the members or the table are not as
  // they were seen last. True if it did.
  Result<bool> check(uint64_t now_ms);

  // When reconcile() should be called though nothing happened.
  [[nodiscard]] std::optional<uint64_t> look_again_at_ms() const;

  // As of the last reconcile().
  [[nodiscard]] const State& observed() const { return observed_; }
  [[nodiscard]] const std::vector<PortState>& tap_states() const { return tap_states_; }
  [[nodiscard]] std::vector<Problem> problems(uint64_t now_ms) const;
  // The first step that failed in the last reconcile() though the kernel had no reason to refuse it.
  [[nodiscard]] Result<void> first_failure() const;

  // What another intent would change, without changing anything.
  struct Preview {
    std::vector<Action> actions;
    std::vector<Problem> problems;
    uint64_t rows_added = 0, rows_removed = 0, rows_changed = 0;
  };
  [[nodiscard]] Preview preview(const Intent& intent) const;

 private:
  // A NIC that was attached, and by when it is back if it ever is.
  struct Settling {
    uint32_t ifindex = 0;
    uint64_t until_ms = 0;
  };
  struct RefusedMember {
    Refusal refusal;
    Link link;  // as it was: when it changes, the answer may
  };

  Result<void> look();
  bool apply_plan(const std::vector<Action>& actions, std::vector<FdbRow>&& wanted_rows, uint64_t now_ms);
  void note_failure(const Action& action, const Error& error);
  void forget_refusals_of_changed_links();
  [[nodiscard]] bool is_worth_retrying(const RefusedMember& refused) const;
  [[nodiscard]] std::vector<Refusal> refusals() const;
  void schedule_retry(uint64_t now_ms);

  Kernel& kernel_;
  OnStep on_step_;
  Intent intent_;
  Hold hold_;
  State observed_;
  bool rows_known_ = false;        // observed_.table.rows is what the kernel has
  std::vector<Problem> waits_;     // from compile
  std::vector<Problem> failures_;  // from apply, in the last reconcile()
  std::vector<PortState> tap_states_;
  std::vector<RefusedMember> refused_;
  std::vector<Settling> settling_;
  bool waits_for_bond_ = false;
  std::optional<uint64_t> retry_at_ms_;
  uint64_t backoff_ms_ = 0;
};

}  // namespace xdpfwd

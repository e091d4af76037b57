// SPDX-License-Identifier: BSD-2-Clause
#include "shell/reconciler.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/plan.h"

namespace xdpfwd {
namespace {

constexpr uint64_t kFirstBackoffMs = 1000;
constexpr uint64_t kLongestBackoffMs = 60'000;
// igb takes up to 4 s to have its link again, LACP some more.
constexpr uint64_t kSettleMs = 15'000;
// Each round empties the plan, attaches a member more, or learns of a refusal that changes the next one.
constexpr int kMostRounds = 32;

bool is_about_rows(const Action& action) {
  return std::holds_alternative<SetRows>(action) || std::holds_alternative<DeleteRows>(action);
}

// The member whose set-up the kernel refused by refusing this action.
const Member* refused_member(const Action& action) {
  if (const auto* attach = std::get_if<AttachMember>(&action)) return &attach->member;
  if (const auto* replace = std::get_if<ReplaceProgram>(&action)) return &replace->member;
  return nullptr;
}

}  // namespace

void Reconciler::set_intent(Intent intent) {
  intent_ = std::move(intent);
  // A new configuration deserves a fresh try.
  refused_.clear();
  backoff_ms_ = 0;
}

Result<void> Reconciler::audit(uint64_t now_ms) {
  rows_known_ = false;
  return reconcile(now_ms);
}

Result<bool> Reconciler::check(uint64_t now_ms) {
  const auto seen = kernel_.observe(Scope::kMembers);
  if (!seen) return std::unexpected(seen.error());
  if (seen->members == observed_.members && seen->table.capacity == observed_.table.capacity &&
      seen->watching == observed_.watching)
    return false;
  // A table that is not the one we knew has other rows.
  rows_known_ = false;
  if (auto done = reconcile(now_ms); !done) return std::unexpected(done.error());
  return true;
}

Result<void> Reconciler::first_failure() const {
  if (failures_.empty()) return {};
  return fail(fmt::format("cannot {}: {}", failures_.front().thing, failures_.front().why),
              failures_.front().remedy);
}

Result<void> Reconciler::reconcile(uint64_t now_ms) {
  if (retry_at_ms_ && now_ms >= *retry_at_ms_)
    std::erase_if(refused_, [&](const RefusedMember& refused) { return is_worth_retrying(refused); });
  retry_at_ms_.reset();
  std::erase_if(settling_, [&](const Settling& settling) { return now_ms >= settling.until_ms; });
  for (int round = 0; round < kMostRounds; ++round) {
    failures_.clear();
    if (auto looked = look(); !looked) {
      schedule_retry(now_ms);
      return looked;
    }
    forget_refusals_of_changed_links();
    std::vector<uint32_t> settling;
    settling.reserve(settling_.size());
    for (const Settling& nic : settling_) settling.push_back(nic.ifindex);
    Desired desired = compile(intent_, observed_, refusals(), hold_, settling);
    waits_for_bond_ = desired.waits_for_bond;
    waits_ = std::move(desired.problems);
    tap_states_ = std::move(desired.tap_states);
    const std::vector<Action> actions = plan(desired.state, observed_);
    if (actions.empty()) break;
    const size_t refused_before = refused_.size();
    const bool all_done = apply_plan(actions, std::move(desired.state.table.rows), now_ms);
    // A refusal is answered by another plan; any other failure by another time.
    if (!all_done && refused_.size() == refused_before) {
      if (auto looked = look(); !looked) return looked;
      break;
    }
  }
  const bool refusals_matter =
      std::ranges::any_of(refused_, [&](const RefusedMember& r) { return is_worth_retrying(r); });
  if (!failures_.empty() || refusals_matter)
    schedule_retry(now_ms);
  else
    backoff_ms_ = 0;
  return {};
}

Result<void> Reconciler::look() {
  std::vector<FdbRow> rows = std::move(observed_.table.rows);
  auto state = kernel_.observe(rows_known_ ? Scope::kWithoutRows : Scope::kWithRows);
  if (!state) {
    observed_.table.rows = std::move(rows);
    return std::unexpected(state.error());
  }
  if (rows_known_) state->table.rows = std::move(rows);
  rows_known_ = true;
  observed_ = std::move(*state);
  return {};
}

bool Reconciler::apply_plan(const std::vector<Action>& actions, std::vector<FdbRow>&& wanted_rows,
                            uint64_t now_ms) {
  std::vector<uint32_t> given_up;  // NICs whose further steps make no sense
  bool all_done = true;
  bool rows_done = true;
  for (const Action& action : actions) {
    const uint32_t nic = member_of(action);
    if (nic != 0 && std::ranges::find(given_up, nic) != given_up.end()) continue;
    const Outcome outcome = kernel_.apply(action);
    on_step_(action, outcome);
    if (outcome.status) {
      if (const auto* attach = std::get_if<AttachMember>(&action))
        settling_.push_back({.ifindex = attach->member.ifindex, .until_ms = now_ms + kSettleMs});
      continue;
    }
    all_done = false;
    if (is_about_rows(action) || std::holds_alternative<CreateTable>(action)) rows_done = false;
    note_failure(action, outcome.status.error());
    if (nic != 0) given_up.push_back(nic);
    if (failure_ends_round(action)) {
      rows_done = false;
      break;
    }
  }
  if (rows_done)
    observed_.table.rows = std::move(wanted_rows);
  else
    rows_known_ = false;
  return all_done;
}

void Reconciler::note_failure(const Action& action, const Error& error) {
  const Member* member = refused_member(action);
  const Link* link = member ? find_link(observed_, member->ifindex) : nullptr;
  if (link) {
    refused_.push_back(
        {.refusal = {.ifindex = member->ifindex, .flavour = member->flavour, .error = error}, .link = *link});
    return;
  }
  failures_.push_back(
      {.thing = describe(action), .why = error.message, .remedy = error.remedy, .retry_ms = {}});
}

void Reconciler::forget_refusals_of_changed_links() {
  std::erase_if(refused_, [&](const RefusedMember& refused) {
    const Link* now = find_link(observed_, refused.refusal.ifindex);
    if (!now) return true;
    Link then = refused.link;
    then.rxvlan = now->rxvlan;  // we turn these ourselves
    then.promisc = now->promisc;
    then.promiscuity = now->promiscuity;
    return then != *now;
  });
}

bool Reconciler::is_worth_retrying(const RefusedMember& refused) const {
  // With "auto" a refused hint has its answer, tag in the frame; asking again would change nothing.
  return refused.refusal.flavour == Flavour::kFrame || intent_.settings.vlan_tag == VlanTagSource::kHint;
}

std::vector<Refusal> Reconciler::refusals() const {
  std::vector<Refusal> all;
  all.reserve(refused_.size());
  for (const RefusedMember& refused : refused_) all.push_back(refused.refusal);
  return all;
}

std::optional<uint64_t> Reconciler::look_again_at_ms() const {
  std::optional<uint64_t> at = retry_at_ms_;
  if (waits_for_bond_)
    for (const Settling& nic : settling_) at = std::min(at.value_or(nic.until_ms), nic.until_ms);
  return at;
}

void Reconciler::schedule_retry(uint64_t now_ms) {
  backoff_ms_ = backoff_ms_ == 0 ? kFirstBackoffMs : std::min(backoff_ms_ * 2, kLongestBackoffMs);
  retry_at_ms_ = now_ms + backoff_ms_;
}

std::vector<Problem> Reconciler::problems(uint64_t now_ms) const {
  std::vector<Problem> all = failures_;
  all.insert(all.end(), waits_.begin(), waits_.end());
  if (!retry_at_ms_) return all;
  const uint64_t rest = *retry_at_ms_ > now_ms ? *retry_at_ms_ - now_ms : 0;
  for (Problem& problem : all)
    if (!problem.waiting) problem.retry_ms = rest;
  return all;
}

Reconciler::Preview Reconciler::preview(const Intent& intent) const {
  Desired desired = compile(intent, observed_, refusals(), Hold{});
  Preview preview{.actions = plan(desired.state, observed_), .problems = std::move(desired.problems)};
  const std::vector<FdbRow>& have = observed_.table.rows;
  for (const Action& action : preview.actions) {
    if (const auto* rows = std::get_if<DeleteRows>(&action)) preview.rows_removed += rows->keys.size();
    if (const auto* rows = std::get_if<SetRows>(&action))
      for (const FdbRow& row : rows->rows) {
        const bool known = std::ranges::binary_search(have, row.key, {}, &FdbRow::key);
        (known ? preview.rows_changed : preview.rows_added) += 1;
      }
  }
  return preview;
}

}  // namespace xdpfwd

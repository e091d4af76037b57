// SPDX-License-Identifier: BSD-2-Clause
#include "shell/tuner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "shell/log.h"
#include "tuning/new_threads.h"

namespace xdpfwd {
namespace {

// A change of channels shows what more there is to do, and so does a refusal; a plan for the same host ends.
constexpr int kMostRounds = 8;
// A driver may still say that it has a carrier just after it was reset.
constexpr uint64_t kResetMs = 1000;
// Of a knob whose changes nobody tells, a fight is seen by looks that come when nothing is heard.
static_assert(Fights::kWithinMs > Fights::kMost * Tuner::kPeriodMs);

std::string value_text(std::string_view value) {
  return value.empty() ? "none" : std::string(value);
}

// What may well be otherwise in a moment.
bool is_passing(int code) {
  return code == EBUSY || code == EAGAIN || code == EINTR || code == ENOMEM || code == ENOBUFS ||
         code == ETIMEDOUT || code == ENETDOWN;
}

std::string thing_of(const InterfaceName& device) {
  return device.view().empty() ? "host" : device.text();
}

TuningChange change_of(const TuningStep& step) {
  return {.device = step.device.text(),
          .knob = text_of(step.setting),
          .from = step.from,
          .to = step.to,
          .reason = step.reason,
          .resets = step.resets};
}

Problem problem_of(const Remark& remark) {
  return {.thing = remark.thing,
          .why = remark.why,
          .remedy = remark.remedy,
          .retry_ms = {},
          .waiting = !remark.problem};
}

void log_step(const TuningStep& step, const Result<void>& done) {
  const std::string what = fmt::format("{}: {} from {} to {}", thing_of(step.device), text_of(step.setting),
                                       value_text(step.from), value_text(step.to));
  if (!done)
    log_event(spdlog::level::warn, fmt::format("cannot set {}: {}", what, done.error().text()),
              {{"XDPFWD_DEVICE", step.device.text()}});
  else if (step.reasserts)
    log_event(spdlog::level::warn, fmt::format("set again, as somebody else had set it: {}", what),
              {{"XDPFWD_DEVICE", step.device.text()}});
  else
    log_event(spdlog::level::info, fmt::format("set {} ({})", what, step.reason),
              {{"XDPFWD_DEVICE", step.device.text()}});
}

}  // namespace

Tuner::Tuner(Kernel& kernel, std::string state_dir, std::string boot_id)
    : kernel_(kernel), file_(std::move(state_dir), std::move(boot_id)) {}

void Tuner::load() {
  asked_ = file_.asked();
  auto log = file_.load();
  unread_.reset();
  if (!log) {
    unread_ = log.error();
    if (concerns_somebody())
      log_event(spdlog::level::err, fmt::format("nothing is tuned: {}", unread_->text()));
    return;
  }
  log_ = std::move(*log);
  // A revert that was cut short goes on.
  reverted_ = file_.reverting() && !log_.entries.empty();
  if (reverted_)
    log_event(
        spdlog::level::warn,
        fmt::format("tuning: the revert that was begun goes on, {} settings are left", log_.entries.size()));
  else if (auto noted = file_.set_reverting(false); !noted)
    log_event(spdlog::level::err, fmt::format("tuning: {}", noted.error().text()));
}

void Tuner::start_again() {
  last_ms_ = 0;
  if (!reverted_ || wish_.tuning.apply != TuningApply::kAuto) return;
  reverted_ = false;
  if (auto noted = file_.set_reverting(false); !noted)
    log_event(spdlog::level::err, fmt::format("tuning: {}", noted.error().text()));
}

void Tuner::set_wish(Wish wish) {
  wish_ = std::move(wish);
  std::erase_if(refused_, [](const auto& refused) { return !refused.second.resets; });
  std::erase_if(busy_, [&](const auto& busy) { return !refused_.contains(busy.first); });
  unkept_.clear();
  left_alone_.clear();
  if (unread_) load();
}

void Tuner::set_unpolled(std::vector<uint32_t> queues) {
  if (queues == unpolled_) return;
  unpolled_ = std::move(queues);
  last_ms_ = 0;  // their modes are others
}

bool Tuner::may_poll() const {
  return holds() && wants_polling(wish_.tuning.napi);
}

std::vector<Poller> Tuner::pollers() const {
  return holds() ? pollers_ : std::vector<Poller>();
}

// Whether anything was tuned, or should be: nobody else needs to know why it could not be.
bool Tuner::concerns_somebody() const {
  return asked_ || wish_.tuning.apply == TuningApply::kAuto || file_.there();
}

Tuner::Goal Tuner::goal() const {
  if (unread_) return Goal::kNothing;
  if (reverted_) return log_.entries.empty() ? Goal::kNothing : Goal::kBefore;
  const TuningApply apply = wish_.tuning.apply;
  return apply == TuningApply::kAuto || (apply == TuningApply::kManual && asked_) ? Goal::kWish
                                                                                  : Goal::kNothing;
}

// The undo log's devices too: what is not seen would be taken for gone.
TuningScope Tuner::scope_of(const TunedDevices& devices) const {
  TuningScope scope;
  std::set<uint32_t> seen;
  for (const TunedNic& nic : devices.nics)
    if (seen.insert(nic.ifindex).second) scope.nics.push_back({nic.ifindex, nic.name});
  for (const TunedTap& tap : devices.taps)
    if (seen.insert(tap.ifindex).second) scope.taps.push_back({tap.ifindex, tap.name});
  std::map<uint32_t, std::pair<InterfaceName, bool>> others;  // name, and whether it is more than a tap
  for (const UndoEntry& entry : log_.entries) {
    if (entry.setting.ifindex == 0 || seen.contains(entry.setting.ifindex)) continue;
    auto& [name, nic] = others[entry.setting.ifindex];
    name = entry.device;
    nic = nic || (entry.setting.knob != Knob::kQdisc && entry.setting.knob != Knob::kRps);
  }
  for (const auto& [ifindex, device] : others)
    (device.second ? scope.nics : scope.taps).push_back({ifindex, device.first});
  return scope;
}

bool Tuner::wants_rates(uint64_t now_ms) const {
  return holds() && wish_.tuning.steering && rates_.due(now_ms) &&
         std::ranges::any_of(observed_.nics, [](const Nic& nic) { return nic.rule_capacity != 0; });
}

// Guests of one tap have it in equal parts: it is not counted which of them a frame is for.
GuestLoads Tuner::loads() const {
  std::map<InterfaceName, uint64_t> guests;
  for (const GuestWish& guest : wish_.guests) ++guests[guest.tap];
  GuestLoads loads;
  for (const GuestWish& guest : wish_.guests)
    if (const auto rate = rates_.rate(guest.tap)) loads[guest.name] = *rate / guests[guest.tap];
  return loads;
}

std::vector<Setting> Tuner::holding(uint64_t now_ms) {
  std::vector<Setting> settings = fights_.held(now_ms);
  std::erase_if(fought_,
                [&](const auto& fought) { return !std::ranges::binary_search(settings, fought.first); });
  for (const auto& [setting, refused] : refused_) settings.push_back(setting);
  std::ranges::sort(settings);
  const auto twice = std::ranges::unique(settings);
  settings.erase(twice.begin(), twice.end());
  return settings;
}

// ---- looking
// -----------------------------------------------------------------------------------------------

void Tuner::follow_names(const TunedDevices& devices) {
  InterfaceName told;
  for (UndoEntry& entry : log_.entries) {
    const auto at = devices.names.find(entry.setting.ifindex);
    if (at == devices.names.end() || at->second == entry.device) continue;
    if (told != entry.device)
      log_event(spdlog::level::info,
                fmt::format("{} is called {} now, and so it is in the undo log of tuning",
                            entry.device.view(), at->second.view()),
                {{"XDPFWD_DEVICE", at->second.text()}});
    told = entry.device;
    entry.device = at->second;
    changed_log_ = true;
  }
}

Result<void> Tuner::observe(const TunedDevices& devices, uint64_t now_ms) {
  auto observed = kernel_.observe_tuning(scope_of(devices));
  if (!observed) return std::unexpected(observed.error());
  observed_ = std::move(*observed);
  observed_ms_ = now_ms;
  return {};
}

Result<HostTuning> Tuner::members_seen(const TunedDevices& devices, uint64_t now_ms) {
  if (!observed_ms_ || now_ms >= *observed_ms_ + kSeenMs)
    if (auto seen = observe(devices, now_ms); !seen) return std::unexpected(seen.error());
  return observed_members(devices);
}

Result<Tuner::Look> Tuner::look_for(Goal goal, const TunedDevices& devices, uint64_t now_ms, bool counts) {
  follow_names(devices);
  if (auto seen = observe(devices, now_ms); !seen) return std::unexpected(seen.error());
  // As an interrupt's number, after a reset.
  std::erase_if(refused_, [&](const auto& refused) { return !observed_value(observed_, refused.first); });
  std::erase_if(busy_, [&](const auto& busy) { return !observed_value(observed_, busy.first); });
  std::erase_if(unkept_, [&](const auto& unkept) { return !observed_value(observed_, unkept.first); });
  const HostTuning members = observed_members(devices);
  Look look;
  TuningQuestion question;
  const auto think = [&] {
    question.holding = holding(now_ms);
    if (goal == Goal::kWish) {
      TuningDesire desire =
          desire_tuning(wish_, members, devices.taps, log_, loads(), question.holding, unpolled_);
      pollers_ = std::move(desire.pollers);
      question.desired = std::move(desire.settings);
      look.remarks = std::move(desire.remarks);
    }
    look.plan = plan_tuning(question, observed_, log_);
  };
  think();
  if (counts && forget_outdated_refusals(question.desired)) think();
  if (counts && goal == Goal::kWish) {
    // Each time, more is held.
    for (auto fought = fights_.count(look.plan, now_ms); !fought.empty();
         fought = fights_.count(look.plan, now_ms)) {
      for (const TuningStep& step : look.plan.steps) {
        if (std::ranges::find(fought, step.setting) == fought.end()) continue;
        if (!fought_.emplace(step.setting, step.device).second) continue;
        log_event(spdlog::level::warn,
                  fmt::format("{}: somebody else sets {} again and again ({}, and {} is wanted): left alone "
                              "for a minute",
                              thing_of(step.device), text_of(step.setting), value_text(step.from),
                              value_text(step.to)),
                  {{"XDPFWD_DEVICE", step.device.text()}});
      }
      think();
    }
  }
  look.remarks.insert(look.remarks.end(), look.plan.remarks.begin(), look.plan.remarks.end());
  return look;
}

void Tuner::see_carrier(const TunedDevices& devices, uint64_t now_ms) {
  if (!resetting_) return;
  const auto nic = std::ranges::find(devices.nics, resetting_->ifindex, &TunedNic::ifindex);
  const uint64_t passed = now_ms - resetting_->since_ms;
  if (nic == devices.nics.end() || (passed >= kResetMs && (nic->carries || !resetting_->carried))) {
    resetting_.reset();
  } else if (passed >= kCarrierMs && !resetting_->lost) {
    resetting_->lost = true;
    log_event(spdlog::level::err,
              fmt::format("{}: no link since it was reset; no other member is reset until it has one",
                          resetting_->name.view()),
              {{"XDPFWD_DEVICE", resetting_->name.text()}});
  }
}

// Takes those NICs out of the plan whose reset has to wait for another's, so that a bond keeps carrying. True
// if there are any.
bool Tuner::one_reset_at_a_time(TuningPlan& plan, const TunedDevices& devices) const {
  const auto carries = [&](uint32_t ifindex) {
    const auto nic = std::ranges::find(devices.nics, ifindex, &TunedNic::ifindex);
    return nic != devices.nics.end() && nic->carries;
  };
  uint32_t allowed = resetting_ ? resetting_->ifindex : 0;  // 0: whichever is first
  std::set<uint32_t> waiting;
  for (const TuningStep& step : plan.steps) {
    const uint32_t ifindex = step.setting.ifindex;
    if (!step.resets || (hurries_ && !carries(ifindex))) continue;
    if (allowed == 0) allowed = ifindex;
    if (ifindex != allowed) waiting.insert(ifindex);
  }
  if (waiting.empty()) return false;
  const auto waits = [&](const TuningStep& step) { return waiting.contains(step.setting.ifindex); };
  // What is of the host and comes after them has to: a NIC that is reset makes its qdiscs anew.
  const auto first = std::ranges::find_if(plan.steps, waits);
  plan.steps.erase(
      std::remove_if(first, plan.steps.end(),
                     [&](const TuningStep& step) { return waits(step) || step.setting.ifindex == 0; }),
      plan.steps.end());
  std::erase_if(plan.disturbed, [&](const Disturbed& d) { return waiting.contains(d.setting.ifindex); });
  return true;
}

// ---- changing
// ----------------------------------------------------------------------------------------------

void Tuner::note_outcome(const TuningStep& step, const Result<void>& done, uint64_t now_ms) {
  if (done) {
    busy_.erase(step.setting);
    return;
  }
  const Error& error = done.error();
  Refused refused{.device = step.device,
                  .wanted = step.to,
                  .why = fmt::format("{} cannot be set to {}: {}", text_of(step.setting), value_text(step.to),
                                     error.message),
                  .remedy = error.remedy,
                  .resets = step.resets};
  if (is_passing(error.code))
    refused.retry_ms = now_ms + std::min(kRetryMs << std::min(busy_[step.setting]++, 10U), kLongestRetryMs);
  refused_[step.setting] = std::move(refused);
}

void Tuner::retry_refused(uint64_t now_ms) {
  std::erase_if(refused_, [&](const auto& refused) {
    return refused.second.retry_ms != 0 && refused.second.retry_ms <= now_ms;
  });
}

uint64_t Tuner::next_retry_ms() const {
  uint64_t next = 0;
  for (const auto& [setting, refused] : refused_)
    if (refused.retry_ms != 0 && (next == 0 || refused.retry_ms < next)) next = refused.retry_ms;
  return next;
}

void Tuner::forget_refusals() {
  refused_.clear();
  busy_.clear();
  unkept_.clear();
}

bool Tuner::forget_outdated_refusals(const std::vector<DesiredSetting>& desired) {
  return std::erase_if(refused_, [&](const auto& one) {
           const auto& [setting, refused] = one;
           const auto wish = std::ranges::find(desired, setting, &DesiredSetting::setting);
           if (wish != desired.end()) return wish->value != refused.wanted;
           const UndoEntry* entry = find_entry(log_, setting);
           return !entry || entry->before != refused.wanted;
         }) != 0;
}

// Another tool may reset a NIC while we set it, and what was set before reads otherwise then. So a driver is
// said not to keep a value when it did not twice; but at once where each try takes the link away.
bool Tuner::is_first_time(const TuningStep& step) {
  if (step.resets) return false;
  const auto [at, is_new] = unkept_.try_emplace(step.setting, step.to);
  if (!is_new && at->second == step.to) {
    unkept_.erase(at);
    return false;
  }
  at->second = step.to;
  return true;
}

// What a driver made of a value that it took, with an error or without, is our doing all the same, and the
// log says what came of it: igb rounds the length of a ring, for instance.
void Tuner::read_back(const std::vector<TuningStep>& steps, const HostTuning& observed) {
  std::map<Setting, const TuningStep*> last;
  for (const TuningStep& step : steps) last[step.setting] = &step;
  for (const auto& [setting, step] : last) {
    const auto value = observed_value(observed, setting);
    if (!value) continue;
    if (*value == step->to) {
      refused_.erase(setting);
      unkept_.erase(setting);
      continue;
    }
    if (refused_.contains(setting)) {
      if (*value == step->from) continue;
    } else if (!is_first_time(*step)) {
      const Refused& refused =
          refused_[setting] = {.device = step->device,
                               .wanted = step->to,
                               .why = fmt::format("{} was set to {} without an error, and reads {}",
                                                  text_of(setting), value_text(step->to), value_text(*value)),
                               .remedy = "the driver does not keep it: leave it alone in [tuning]",
                               .resets = step->resets};
      log_event(spdlog::level::warn, fmt::format("{}: {}", thing_of(step->device), refused.why),
                {{"XDPFWD_DEVICE", step->device.text()}});
    }
    const auto entry = std::ranges::lower_bound(log_.entries, setting, {}, &UndoEntry::setting);
    if (entry != log_.entries.end() && entry->setting == setting) entry->set = *value;
    changed_log_ = true;
  }
}

Result<std::vector<TuningStep>> Tuner::take(const TuningPlan& plan, const TunedDevices& devices,
                                            uint64_t now_ms) {
  UndoLog log = log_;
  const UndoChanges changes = record(log, plan);
  if (!changes.empty())
    if (auto noted = file_.append(log, changes); !noted)
      return fail_in("nothing was changed", std::move(noted).error());
  log_ = std::move(log);
  changed_log_ = changed_log_ || !changes.empty();

  std::vector<TuningStep> done;
  std::set<Setting> failed;
  for (const TuningStep& step : plan.steps) {
    // The thread that it is for was refused.
    if (is_of_thread(step.setting.knob) &&
        std::ranges::any_of(std::array{step.setting.index, kWholeDevice}, [&](uint32_t index) {
          return failed.contains({step.setting.ifindex, Knob::kNapiThreaded, index});
        }))
      continue;
    if (step.resets) {
      const auto nic = std::ranges::find(devices.nics, step.setting.ifindex, &TunedNic::ifindex);
      const bool again = resetting_ && resetting_->ifindex == step.setting.ifindex;
      resetting_ = {.ifindex = step.setting.ifindex,
                    .name = step.device,
                    .carried = (again && resetting_->carried) || (nic != devices.nics.end() && nic->carries),
                    .since_ms = now_ms};
    }
    const Outcome outcome = kernel_.apply(step.action());
    log_step(step, outcome.status);
    note_outcome(step, outcome.status, now_ms);
    if (outcome.status)
      done.push_back(step);
    else
      failed.insert(step.setting);
  }

  if (auto seen = observe(devices, now_ms); !seen) return std::unexpected(seen.error());
  read_back(plan.steps, observed_);
  // What the next round does again is no change yet.
  std::erase_if(done, [&](const TuningStep& step) { return unkept_.contains(step.setting); });
  return done;
}

Result<std::vector<TuningStep>> Tuner::work(Goal goal, const TunedDevices& devices, uint64_t now_ms) {
  std::vector<TuningStep> done;
  last_ms_ = now_ms;
  waits_ = false;
  retry_refused(now_ms);
  std::vector<uint32_t> there;
  for (const auto& [ifindex, name] : devices.names) there.push_back(ifindex);
  for (int round = 0; round < kMostRounds; ++round) {
    auto look = look_for(goal, devices, now_ms, true);
    if (!look) return std::unexpected(look.error());
    remarks_ = std::move(look->remarks);
    waits_ = one_reset_at_a_time(look->plan, devices);
    left_alone_.insert(left_alone_.end(), look->plan.left_alone.begin(), look->plan.left_alone.end());
    const bool idle =
        look->plan.steps.empty() && look->plan.left_alone.empty() && lets_roam(log_, look->plan);
    if (!idle) {
      auto taken = take(look->plan, devices, now_ms);
      if (!taken) return taken;
      std::ranges::move(*taken, std::back_inserter(done));
    }
    // Not before: until the steps are taken, the log says what would otherwise be lost.
    changed_log_ = !settle(log_, observed_, there, look->plan.roaming).empty() || changed_log_;
    if (changed_log_) {
      if (auto written = file_.rewrite(log_); !written)
        return fail_in("the changes are made and in the undo log, which cannot be tidied",
                       std::move(written).error());
      changed_log_ = false;
    }
    if (idle) break;
  }
  return done;
}

void Tuner::note(const Result<std::vector<TuningStep>>& worked, const TunedDevices& devices,
                 uint64_t now_ms) {
  const auto before = std::exchange(failed_, worked ? std::nullopt : std::optional(worked.error()));
  if (failed_ && failed_ != before) log_event(spdlog::level::err, fmt::format("tuning: {}", failed_->text()));
  // The revert is over: no later start goes on with it.
  if (reverted_ && !failed_ && log_.entries.empty())
    if (auto noted = file_.set_reverting(false); !noted) failed_ = noted.error();
  see_packable(devices);
  next_ms_.reset();
  if (goal() == Goal::kNothing) return;
  // Of a link that comes back late, the kernel tells.
  next_ms_ = now_ms + (waits_ && !(resetting_ && resetting_->lost) ? kResetMs : kPeriodMs);
  if (const uint64_t pause_ends = fights_.next_ms(); pause_ends > now_ms)
    next_ms_ = std::min(*next_ms_, pause_ends);
  if (const uint64_t retry = next_retry_ms(); retry != 0) next_ms_ = std::min(*next_ms_, retry);
}

HostTuning Tuner::observed_members(const TunedDevices& devices) const {
  HostTuning members = observed_;
  std::erase_if(members.nics, [&](const Nic& nic) {
    return std::ranges::find(devices.nics, nic.ifindex, &TunedNic::ifindex) == devices.nics.end();
  });
  return members;
}

void Tuner::see_packable(const TunedDevices& devices) {
  packable_ = {};
  if (holds()) packable_ = xdpfwd::packable(wish_, observed_members(devices), log_);
}

void Tuner::note_roaming(const Setting& setting, uint32_t cpu) {
  const std::string value = fmt::format("{}", cpu);
  const auto seen = std::ranges::lower_bound(observed_.settings, setting, {}, &SettingValue::setting);
  if (seen != observed_.settings.end() && seen->setting == setting) seen->value = value;
  const auto entry = std::ranges::lower_bound(log_.entries, setting, {}, &UndoEntry::setting);
  if (entry != log_.entries.end() && entry->setting == setting) entry->set = value;
}

void Tuner::thread_moved(uint32_t napi, uint32_t cpu) {
  const auto one = std::ranges::find(packable_.napis, napi, &PackedNapi::napi);
  if (one == packable_.napis.end()) return;
  note_roaming({one->ifindex, Knob::kThreadCpus, one->place}, cpu);
  one->cpu = cpu;
}

void Tuner::interrupt_moved(uint32_t napi, uint32_t cpu) {
  const auto one = std::ranges::find(packable_.napis, napi, &PackedNapi::napi);
  if (one == packable_.napis.end() || one->irq == 0) return;
  note_roaming({one->ifindex, Knob::kIrqAffinity, one->irq}, cpu);
}

void Tuner::look(const TunedDevices& devices, uint64_t now_ms) {
  see_carrier(devices, now_ms);
  const Goal wanted = goal();
  if (wanted == Goal::kNothing) {
    packable_ = {};
    next_ms_.reset();
    return;
  }
  if (last_ms_ != 0 && now_ms < last_ms_ + kPauseMs) {
    // Not when something else is due before: that is too early for a look, and would be due again at once.
    next_ms_ = last_ms_ + kPauseMs;
    return;
  }
  note(work(wanted, devices, now_ms), devices, now_ms);
}

// ---- what is asked
// -----------------------------------------------------------------------------------------

Result<TuningReport> Tuner::plan(const TunedDevices& devices, uint64_t now_ms) {
  if (unread_) return std::unexpected(*unread_);
  const auto look = look_for(Goal::kWish, devices, now_ms, false);
  if (!look) return std::unexpected(look.error());
  return report_of(*look, now_ms);
}

TuningReport Tuner::report_of(const Look& look, uint64_t now_ms) const {
  TuningReport report{
      .apply = wish_.tuning.apply, .held = holds(), .changes = {}, .waiting = 0, .problems = {}};
  for (const TuningStep& step : look.plan.steps) report.changes.push_back(change_of(step));
  for (const Remark& remark : look.remarks) report.problems.push_back(problem_of(remark));
  for (const LeftAlone& left : look.plan.left_alone)
    report.problems.push_back(
        {.thing = thing_of(left.device),
         .why = fmt::format("{} is {} now, and xdpfwd had set {}: somebody changed it "
                            "since, and it is left alone",
                            text_of(left.setting), value_text(left.now), value_text(left.ours)),
         .remedy = {},
         .retry_ms = {},
         .waiting = true});
  for (Problem& problem : problems(now_ms))
    if (std::ranges::find(report.problems, problem) == report.problems.end())
      report.problems.push_back(std::move(problem));
  return report;
}

Result<TuningReport> Tuner::finish(Goal goal, const TunedDevices& devices, uint64_t now_ms) {
  left_alone_.clear();
  see_carrier(devices, now_ms);
  auto worked = work(goal, devices, now_ms);
  note(worked, devices, now_ms);
  if (!worked) return std::unexpected(worked.error());
  Look look;
  look.plan.steps = std::move(*worked);
  look.plan.left_alone = left_alone_;
  look.remarks = remarks_;
  TuningReport report = report_of(look, now_ms);
  if (waits_)
    if (const auto rest = look_for(goal, devices, now_ms, false)) report.waiting = rest->plan.steps.size();
  return report;
}

Result<TuningReport> Tuner::apply(const TunedDevices& devices, uint64_t now_ms) {
  if (unread_) return std::unexpected(*unread_);
  if (wish_.tuning.apply == TuningApply::kOff)
    return fail("tuning.apply is \"off\" in the configuration",
                "set it to \"manual\" or \"auto\", then: xdpctl reload");
  if (auto noted = file_.set_asked(true); !noted) return std::unexpected(noted.error());
  if (auto noted = file_.set_reverting(false); !noted) return std::unexpected(noted.error());
  asked_ = true;
  reverted_ = false;
  forget_refusals();
  return finish(Goal::kWish, devices, now_ms);
}

Result<TuningReport> Tuner::revert(const TunedDevices& devices, uint64_t now_ms) {
  if (unread_) return std::unexpected(*unread_);
  // In this order, so that a crash between them is a revert.
  if (auto noted = file_.set_reverting(true); !noted) return std::unexpected(noted.error());
  if (auto noted = file_.set_asked(false); !noted) return std::unexpected(noted.error());
  asked_ = false;
  reverted_ = true;
  forget_refusals();
  fights_ = {};
  return finish(Goal::kBefore, devices, now_ms);
}

bool Tuner::stop(const TunedDevices& devices, uint64_t now_ms) {
  if (unread_ || log_.entries.empty()) return false;
  if (!stopping_since_ms_) {
    stopping_since_ms_ = now_ms;
    forget_refusals();
    fights_ = {};
  }
  const bool patient = now_ms - *stopping_since_ms_ < kStopMs;
  Result<std::vector<TuningStep>> worked = std::vector<TuningStep>();
  see_carrier(devices, now_ms);
  // Then others only if they carry nothing, lest none does.
  hurries_ = !patient;
  worked = work(Goal::kBefore, devices, now_ms);
  note(worked, devices, now_ms);
  if (worked && patient && (waits_ || next_retry_ms() != 0)) return true;
  if (worked && log_.entries.empty())
    log_event(spdlog::level::info, "tuning is put back: everything is as it was before");
  else
    log_event(spdlog::level::err, fmt::format("tuning: {} settings are not put back; they stay in {}",
                                              log_.entries.size(), file_.path()));
  return false;
}

TuningReport Tuner::status(uint64_t now_ms) const {
  TuningReport report = report_of({}, now_ms);
  for (const UndoEntry& entry : log_.entries)
    if (entry.before != entry.set)
      report.changes.push_back({.device = entry.device.text(),
                                .knob = text_of(entry.setting),
                                .from = entry.before,
                                .to = entry.set,
                                .reason = {},
                                .resets = false});
  return report;
}

std::vector<Problem> Tuner::problems(uint64_t now_ms) const {
  std::vector<Problem> all;
  const auto add = [&](std::string thing, const std::string& why, const std::string& remedy) -> Problem& {
    all.push_back(
        {.thing = std::move(thing), .why = why, .remedy = remedy, .retry_ms = {}, .waiting = false});
    return all.back();
  };
  if (unread_ && concerns_somebody()) add("tuning", unread_->message, unread_->remedy);
  if (failed_) add("tuning", failed_->message, failed_->remedy);
  for (const auto& [setting, refused] : refused_) {
    Problem& problem = add(thing_of(refused.device), refused.why, refused.remedy);
    if (refused.retry_ms > now_ms) problem.retry_ms = refused.retry_ms - now_ms;
  }
  if (resetting_ && resetting_->lost)
    add(thing_of(resetting_->name),
        "it has had no link since it was reset; no other member is reset until it has",
        fmt::format("see: ethtool {}; xdpctl tune revert sets it as it was before", resetting_->name.view()));
  for (const auto& [setting, device] : fought_) {
    Problem& problem =
        add(thing_of(device), fmt::format("somebody else sets {} again and again", text_of(setting)),
            "find who does, or leave it alone in [tuning]");
    if (const uint64_t next = fights_.next_ms(); next > now_ms) problem.retry_ms = next - now_ms;
  }
  const Goal wanted = goal();
  if (wanted == Goal::kWish) {
    for (const Remark& remark : remarks_)
      if (remark.problem) all.push_back(problem_of(remark));
  } else if (wanted == Goal::kNothing && !unread_ && !log_.entries.empty()) {
    add("tuning",
        fmt::format("{} settings are as xdpfwd once set them, and are not held", log_.entries.size()),
        "xdpctl tune revert puts them back; xdpctl tune apply holds them")
        .waiting = true;
  }
  return all;
}

WantedTuning Tuner::wanted(const HostTuning& members, const TunedDevices& devices) const {
  std::vector<Setting> holding;
  for (const auto& [setting, refused] : refused_) holding.push_back(setting);
  for (const auto& [setting, device] : fought_) holding.push_back(setting);
  std::ranges::sort(holding);
  TuningDesire desire = desire_tuning(wish_, members, devices.taps, log_, loads(), holding, unpolled_);
  WantedTuning wanted{
      .held = holds(), .settings = std::move(desire.settings), .refused = {}, .guests = wish_.guests};
  for (const auto& [setting, refused] : refused_)
    wanted.refused.push_back({.setting = setting, .why = refused.why});
  return wanted;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "shell/daemon.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "base/version.h"
#include "core/options.h"
#include "shell/log.h"
#include "shell/state_lock.h"
#include "sources/files.h"
#include "tuning/napi_status.h"

namespace xdpfwd {
namespace {

bool is_routine(const Action& action) {
  return std::holds_alternative<SetRows>(action) || std::holds_alternative<DeleteRows>(action) ||
         std::holds_alternative<AwaitGrace>(action);
}

void log_step(const Action& action, const Outcome& outcome) {
  const std::string what = describe(action);
  if (outcome.status) {
    log_event(is_routine(action) ? spdlog::level::debug : spdlog::level::info, what);
    return;
  }
  log_event(spdlog::level::warn, fmt::format("cannot {}: {}", what, outcome.status.error().text()),
            {{"XDPFWD_ACTION", what}, {"ERRNO", std::to_string(outcome.status.error().code)}});
}

// Keys that are read at start only and would change; empty if none.
std::string changed_at_start_only(const Settings& now, const Settings& then) {
  for (const Option& option : options()) {
    if (option.on_reload) continue;
    if (const auto* text = std::get_if<std::string Settings::*>(&option.field);
        text && now.**text != then.**text)
      return option.path();
  }
  return {};
}

// Empty where it is hidden (ProcSubset=pid): then nothing can be tuned.
std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

constexpr uint64_t kLongestWatchSeconds = 60;
// A trial that could not be undone is tried again so soon; and so long before a stop goes on without.
constexpr uint64_t kTrialRetryMs = 5000;
constexpr uint64_t kTrialStopMs = 30'000;
// systemd kills one that takes longer (deploy/xdpfwd-poller@.service.in).
constexpr uint64_t kPollersStopMs = 30'000;
// At once: each has programs of its own on the tracepoints.
constexpr size_t kMostWatches = 4;

void add_problems(TuningReport& report, std::vector<Problem> more) {
  std::ranges::move(more, std::back_inserter(report.problems));
}

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

Daemon::Daemon(Kernel& kernel, std::string config_file, std::vector<std::string> config_files, Config config,
               Clock clock)
    : clock_(std::move(clock)),
      started_ms_(clock_()),
      config_file_(std::move(config_file)),
      config_files_(std::move(config_files)),
      settings_(std::move(config.settings)),
      store_(settings_.state_dir),
      reconciler_(kernel, log_step),
      tuner_(kernel, settings_.state_dir, read_boot_id()),
      pollers_(std::filesystem::path(settings_.socket).parent_path()),
      packing_(kernel, tuner_),
      kernel_(kernel) {
  guests_.set_files(std::move(config.guests));
}

Result<void> Daemon::start() {
  auto lock = lock_state(settings_.state_dir);
  if (!lock) return std::unexpected(lock.error());
  state_lock_ = std::move(*lock);
  GuestStore::Loaded loaded = store_.load();
  for (const Problem& problem : loaded.problems)
    log_event(spdlog::level::err, fmt::format("{}: {}; {}", problem.thing, problem.why, problem.remedy));
  own_problems_ = std::move(loaded.problems);
  guests_.set_stored(std::move(loaded.guests));
  guests_.yield_to_files();
  active_ = guests_.active();
  auto intent = make_intent(settings_, active_);
  if (!intent) {
    // Stored guests must not keep the daemon from starting: go on with what the files say.
    const Error error = intent.error();
    log_event(spdlog::level::err, fmt::format("guests added by xdpctl are left out: {}", error.text()));
    own_problems_.push_back(
        {.thing = "guests added by xdpctl", .why = error.message, .remedy = error.remedy, .retry_ms = {}});
    GuestSet only_files = guests_;
    only_files.set_stored({});
    active_ = only_files.active();
    intent = make_intent(settings_, active_);
    if (!intent) return std::unexpected(intent.error());
  }
  reconciler_.set_intent(std::move(*intent));
  (void)undo_trial();
  tuner_.load();
  tuner_.set_wish(wish());
  tuner_.start_again();
  look_again();
  if (observe_error_) return std::unexpected(*observe_error_);
  // Without a table nothing can ever be forwarded: better not to start than to pretend.
  if (reconciler_.observed().table.capacity == 0) {
    for (const Problem& problem : reconciler_.problems(clock_()))
      if (!problem.waiting)
        return fail(fmt::format("cannot {}: {}", problem.thing, problem.why), problem.remedy);
  }
  return {};
}

void Daemon::note_look(const Result<void>& looked) {
  observe_error_.reset();
  if (!looked) {
    observe_error_ = looked.error();
    log_event(spdlog::level::err, looked.error().text());
  } else {
    // What is tried would be set back.
    if (undo_trial()) look_at_knobs();
  }
  if (on_look_) on_look_();
}

void Daemon::look_again() {
  note_look(reconciler_.reconcile(clock_()));
}

void Daemon::audit() {
  note_look(reconciler_.audit(clock_()));
}

void Daemon::check() {
  const auto looked = reconciler_.check(clock_());
  if (!looked)
    note_look(std::unexpected(looked.error()));
  else if (*looked || observe_error_)
    note_look({});
}

bool Daemon::undo_trial() {
  if (!walk_.expired()) return false;
  const uint64_t now_ms = clock_();
  if (trial_ && now_ms < trial_->retry_ms) return trial_->gone();
  const auto restored = TxWalk::restore(kernel_, settings_.state_dir, read_boot_id());
  if (!restored) {
    if (!trial_ || trial_->error != restored.error())
      log_event(spdlog::level::err,
                fmt::format("a trial of tx-usecs is not undone: {}", restored.error().text()));
    trial_ = {.error = restored.error(), .retry_ms = now_ms + kTrialRetryMs};
    return trial_->gone();
  }
  trial_.reset();
  for (const std::string& nic : *restored)
    log_event(
        spdlog::level::warn,
        fmt::format("{}: a trial of tx-usecs did not come to its end; what was before is set again", nic));
  return true;
}

Result<void> Daemon::may_tune() const {
  if (!walk_.expired()) return fail("values of tx-usecs are being tried", "wait until that is over", EBUSY);
  if (trial_ && !trial_->gone())
    return fail(fmt::format("a trial of tx-usecs is not undone: {}", trial_->error.message),
                trial_->error.remedy, EBUSY);
  return {};
}

void Daemon::look_at_knobs() {
  const uint64_t now_ms = clock_();
  if (tuner_.wants_rates(now_ms))
    if (const auto sample = kernel_.sample()) {
      std::vector<TapCount> counts;
      for (const Port& port : reconciler_.observed().ports)
        if (const auto at = std::ranges::lower_bound(sample->ports, port.slot, {}, &PortSample::slot);
            at != sample->ports.end() && at->slot == port.slot)
          counts.push_back({.tap = port.name, .packets = at->packets});
      tuner_.feed_rates(counts, now_ms);
    }
  end_pollers_of_another_mode();
  tuner_.look(tuned_devices(), now_ms);
  look_at_pollers();
}

void Daemon::end_pollers_of_another_mode() {
  // What one still holds while another mode is set, it would take back.
  if (!tuner_.may_poll()) pollers_.make_so({}, clock_());
}

void Daemon::look_at_pollers() {
  pollers_.make_so(tuner_.pollers(), clock_());
  tuner_.set_unpolled(pollers_.unpolled());
}

void Daemon::look_at_tuning() {
  if (undo_trial()) look_at_knobs();
  if (on_look_) on_look_();
}

std::optional<uint64_t> Daemon::next_pack_ms() const {
  return may_tune() ? packing_.next_ms() : std::nullopt;
}

void Daemon::pack() {
  if (!may_tune()) return;
  packing_.tick(clock_());
  if (packing_.take_surprise()) look_at_tuning();
}

bool Daemon::stop() {
  const auto walk = walk_.lock();
  const auto given_up = walk ? walk->give_up() : Result<void>();
  if (!given_up || (!walk && !undo_trial())) {
    if (!given_up) log_event(spdlog::level::err, given_up.error().text());
    // What tuning had set would be taken for somebody else's: it is left as it is, and so are the logs of
    // both.
    if (!stopping_since_ms_) stopping_since_ms_ = clock_();
    return clock_() - *stopping_since_ms_ < kTrialStopMs;
  }
  if (!settings_.tuning.revert_on_stop) return false;
  pollers_.make_so({}, clock_());
  if (!pollers_since_ms_) pollers_since_ms_ = clock_();
  if (pollers_.are_ending() && clock_() - *pollers_since_ms_ < kPollersStopMs) return true;
  const auto observed = kernel_.observe(Scope::kWithoutRows);
  if (!observed) log_event(spdlog::level::err, observed.error().text());
  return tuner_.stop(observed ? tuned_devices(*observed) : tuned_devices(), clock_());
}

std::optional<uint64_t> Daemon::next_look_ms() const {
  const auto a = reconciler_.look_again_at_ms();
  // While values are tried nobody tunes, nor while the kernel cannot be asked: a look that is due would be
  // due again at once. The reconciler's next try brings the tuner's next look.
  std::optional<uint64_t> b;
  if (walk_.expired() && !observe_error_) {
    if (!trial_ || trial_->gone()) b = tuner_.next_look_ms();
    if (trial_) b = std::min(b.value_or(UINT64_MAX), trial_->retry_ms);
    if (const auto pollers = pollers_.next_look_ms()) b = std::min(b.value_or(UINT64_MAX), *pollers);
  }
  return a && b ? std::min(*a, *b) : a ? a : b;
}

TunedDevices Daemon::tuned_devices(const State& observed) const {
  TunedDevices devices;
  for (const Link* link : resolve_members(settings_.devices, observed, nullptr))
    devices.nics.push_back({.ifindex = link->ifindex,
                            .name = link->name,
                            .carries = link->lower_up && (!link->bond_member || link->bond_active)});
  for (const InterfaceName& tap : reconciler_.intent().taps)
    if (const Link* link = find_link(observed, tap); link && link->kind == LinkKind::kTap)
      devices.taps.push_back({.ifindex = link->ifindex, .name = tap});
  for (const Link& link : observed.links)
    devices.names.emplace_hint(devices.names.end(), link.ifindex, link.name);
  return devices;
}

Result<void> Daemon::settle() {
  look_again();
  if (observe_error_) return std::unexpected(*observe_error_);
  return reconciler_.first_failure();
}

std::vector<Problem> Daemon::problems() const {
  std::vector<Problem> all = own_problems_;
  if (refused_reload_) all.push_back(*refused_reload_);
  const std::vector<Problem> conflicts = guests_.conflicts();
  all.insert(all.end(), conflicts.begin(), conflicts.end());
  if (observe_error_)
    all.push_back({.thing = "kernel",
                   .why = observe_error_->message,
                   .remedy = observe_error_->remedy,
                   .retry_ms = {}});
  const std::vector<Problem> now = reconciler_.problems(clock_());
  all.insert(all.end(), now.begin(), now.end());
  if (trial_)
    all.push_back({.thing = "tuning",
                   .why = fmt::format("a trial of tx-usecs is not undone: {}", trial_->error.message),
                   .remedy = trial_->error.remedy,
                   .retry_ms = trial_->retry_ms > clock_() ? trial_->retry_ms - clock_() : 0});
  const std::vector<Problem> tuning = tuner_.problems(clock_());
  all.insert(all.end(), tuning.begin(), tuning.end());
  const std::vector<Problem> pollers = pollers_.problems();
  all.insert(all.end(), pollers.begin(), pollers.end());
  if (auto packing = packing_.problem(clock_())) all.push_back(std::move(*packing));
  return all;
}

std::string Daemon::summary() const {
  const State& observed = reconciler_.observed();
  const auto open = std::ranges::count_if(observed.ports, &Port::open);
  return fmt::format("{} members, {} of {} ports open, {} rows", observed.members.size(), open,
                     reconciler_.intent().taps.size(), observed.table.rows.size());
}

PortState Daemon::port_state(size_t tap) const {
  if (tap >= reconciler_.tap_states().size()) return PortState::kPending;
  const PortState state = reconciler_.tap_states()[tap];
  if (state != PortState::kOpen) return state;
  const auto& ports = reconciler_.observed().ports;
  const auto port = std::ranges::find(ports, reconciler_.intent().taps[tap], &Port::name);
  return port != ports.end() && port->open() ? PortState::kOpen : PortState::kPending;
}

std::vector<MemberReport> Daemon::members(const Sample* sample) const {
  const State& observed = reconciler_.observed();
  std::vector<MemberReport> reports;
  for (const Link* link : resolve_members(settings_.devices, observed, nullptr)) {
    MemberReport report{.name = link->name.text(),
                        .ifindex = link->ifindex,
                        .active = !link->bond_member || link->bond_active,
                        .promisc = link->promiscuity > 0 ? Promisc::kOthers : Promisc::kOff};
    if (link->promisc && changes_of(observed, link->ifindex).promisc) report.promisc = Promisc::kOurs;
    if (const Link* master = find_link(observed, link->master); master && master->kind == LinkKind::kBond)
      report.bond = master->name.text();
    if (const Member* member = find_member(observed, link->ifindex);
        member && member->program != ProgramState::kGone) {
      report.attached = true;
      report.flavour = member->flavour;
      report.mode = member->mode;
      if (sample)
        if (const auto at = std::ranges::find(sample->members, member->slot, &MemberSample::slot);
            at != sample->members.end())
          report.packets = at->packets;
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

StatusReport Daemon::status() {
  check();
  const auto sample = kernel_.sample();
  StatusReport report;
  report.version = kVersion;
  report.uptime_ms = clock_() - started_ms_;
  report.guests = active_.size();
  report.rows_wanted = reconciler_.intent().rows.size();
  const State& observed = reconciler_.observed();
  report.rows_installed = observed.table.rows.size();
  report.table_capacity = observed.table.capacity;
  report.ports_wanted = static_cast<uint32_t>(reconciler_.intent().taps.size());
  report.ports_open = static_cast<uint32_t>(std::ranges::count_if(observed.ports, &Port::open));
  report.config_files = config_files_;
  report.members = members(sample ? &*sample : nullptr);
  report.problems = problems();
  if (!sample)
    report.problems.push_back({.thing = "counters",
                               .why = sample.error().message,
                               .remedy = sample.error().remedy,
                               .retry_ms = {}});
  const bool attached = std::ranges::any_of(report.members, &MemberReport::attached);
  const bool trouble = std::ranges::any_of(report.problems, [](const Problem& p) { return !p.waiting; });
  if (reconciler_.hold().all)
    report.state = "detached";
  else
    report.state = attached && !trouble ? "forwarding" : "degraded";
  return report;
}

std::vector<GuestReport> Daemon::guests() {
  std::vector<GuestReport> reports;
  reports.reserve(active_.size());
  const std::vector<InterfaceName>& taps = reconciler_.intent().taps;
  for (const Guest& guest : active_) {
    GuestReport report{.guest = guest};
    // Guests from files know their place; the others are few.
    if (guest.where.file.empty()) guests_.find_added(guest.name, &report.source);
    report.port = port_state(static_cast<size_t>(std::ranges::lower_bound(taps, guest.tap) - taps.begin()));
    reports.push_back(std::move(report));
  }
  return reports;
}

std::vector<FdbReport> Daemon::fdb(FdbKey first, size_t count) {
  const Intent& intent = reconciler_.intent();
  const State& observed = reconciler_.observed();
  std::vector<FdbReport> reports;
  for (auto row = std::ranges::lower_bound(intent.rows, first, {}, &IntentRow::key);
       row != intent.rows.end() && reports.size() < count; ++row) {
    FdbReport report{.key = row->key,
                     .port = intent.taps[row->tap].text(),
                     .keep_tag = (row->flags & XDPFWD_FDB_KEEP_TAG) != 0};
    if (row->guest < active_.size()) report.guest = active_[row->guest].name;
    if (const auto at = std::ranges::lower_bound(observed.table.rows, row->key, {}, &FdbRow::key);
        at != observed.table.rows.end() && at->key == row->key) {
      const Port* port = find_port(observed, at->slot);
      report.installed = port && port->open() && port->name == intent.taps[row->tap];
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

std::vector<PortReport> Daemon::ports() {
  check();
  const auto sample = kernel_.sample();
  const Intent& intent = reconciler_.intent();
  const State& observed = reconciler_.observed();
  std::vector<PortReport> reports(intent.taps.size());
  for (size_t i = 0; i < reports.size(); ++i) {
    PortReport& report = reports[i];
    report.name = intent.taps[i].text();
    report.state = port_state(i);
    if (const Link* link = find_link(observed, intent.taps[i])) {
      report.ifindex = link->ifindex;
      report.mtu = link->mtu;
    }
    const auto port = std::ranges::find(observed.ports, intent.taps[i], &Port::name);
    if (port == observed.ports.end()) continue;
    report.slot = port->slot;
    report.counters.slot = port->slot;
    if (!sample) continue;
    if (const auto at = std::ranges::lower_bound(sample->ports, port->slot, {}, &PortSample::slot);
        at != sample->ports.end() && at->slot == port->slot)
      report.counters = *at;
  }
  for (const IntentRow& row : intent.rows) ++reports[row.tap].rows;
  return reports;
}

Result<StatsReport> Daemon::stats() {
  check();
  const auto sample = kernel_.sample();
  if (!sample) return std::unexpected(sample.error());
  return StatsReport{.time_ns = monotonic_ns(), .members = members(&*sample), .ports = ports()};
}

Result<Daemon::Candidate> Daemon::read_candidate() const {
  const auto texts = read_config_files(config_file_);
  if (!texts) return std::unexpected(texts.error());
  auto config = parse_config(*texts);
  if (!config) return std::unexpected(config.error());
  if (const std::string key = changed_at_start_only(settings_, config->settings); !key.empty())
    return fail(fmt::format("{} changed, and is read at start only", key),
                "systemctl restart xdpfwd: forwarding goes on meanwhile");
  Candidate candidate{.files = {}, .settings = config->settings, .guests = guests_, .intent = {}};
  candidate.guests.set_files(std::move(config->guests));
  candidate.guests.return_where_free();
  auto intent = make_intent(config->settings, candidate.guests.active());
  if (!intent) return std::unexpected(intent.error());
  candidate.intent = std::move(*intent);
  for (const ConfigText& text : *texts) candidate.files.push_back(text.file);
  return candidate;
}

Result<PlanReport> Daemon::plan() {
  const auto candidate = read_candidate();
  if (!candidate) return std::unexpected(candidate.error());
  look_again();
  const Reconciler::Preview preview = reconciler_.preview(candidate->intent);
  PlanReport report{.actions = {},
                    .rows_added = preview.rows_added,
                    .rows_removed = preview.rows_removed,
                    .rows_changed = preview.rows_changed,
                    .problems = preview.problems};
  for (const Action& action : preview.actions) report.actions.push_back(describe(action));
  return report;
}

Result<void> Daemon::use_guests(GuestSet guests, bool persist) {
  std::vector<Guest> active = guests.active();
  auto intent = make_intent(settings_, active);
  if (!intent) return std::unexpected(intent.error());
  if (persist)
    if (auto saved = store_.save(guests.stored()); !saved) return saved;
  guests_ = std::move(guests);
  active_ = std::move(active);
  reconciler_.set_intent(std::move(*intent));
  tuner_.set_wish(wish());
  look_again();
  return {};
}

Result<void> Daemon::add_guest(Guest guest, bool ephemeral) {
  GuestSet guests = guests_;
  const std::string name = guest.name;
  if (guests.find_added(name, nullptr))
    return fail(fmt::format("guest {} is there already", name), fmt::format("xdpctl guest del {}", name),
                EEXIST);
  guests.add(std::move(guest), ephemeral ? GuestSource::kEphemeral : GuestSource::kControl);
  if (auto used = use_guests(std::move(guests), !ephemeral); !used) return used;
  log_event(spdlog::level::info, fmt::format("guest {} added", name), {{"XDPFWD_GUEST", name}});
  return {};
}

Result<void> Daemon::delete_guest(const std::string& name) {
  GuestSource source{};
  if (!guests_.find_added(name, &source)) {
    if (const Guest* guest = guests_.find_in_files(name))
      return fail(fmt::format("guest {} comes from {}", name, guest->where.text()),
                  "take it out of the file and reload", EPERM);
    return fail(fmt::format("there is no guest {}", name), "see: xdpctl guest list", ENOENT);
  }
  GuestSet guests = guests_;
  guests.remove(name);
  if (auto used = use_guests(std::move(guests), source == GuestSource::kControl); !used) return used;
  log_event(spdlog::level::info, fmt::format("guest {} deleted", name), {{"XDPFWD_GUEST", name}});
  return {};
}

Result<void> Daemon::reload() {
  auto candidate = read_candidate();
  if (!candidate) {
    log_event(spdlog::level::err,
              fmt::format("reload refused, the old configuration goes on: {}", candidate.error().text()));
    refused_reload_ = {.thing = "reload refused, the old configuration goes on",
                       .why = candidate.error().message,
                       .remedy = candidate.error().remedy,
                       .retry_ms = {}};
    return std::unexpected(candidate.error());
  }
  config_files_ = std::move(candidate->files);
  settings_ = std::move(candidate->settings);
  set_log_level(settings_.log_level);
  guests_ = std::move(candidate->guests);
  active_ = guests_.active();
  refused_reload_.reset();
  reconciler_.set_hold({});
  reconciler_.set_intent(std::move(candidate->intent));
  pollers_.try_again();
  tuner_.set_unpolled({});
  napi_by_hand_.reset();
  tuner_.set_wish(wish());
  tuner_.start_again();
  auto settled = settle();
  log_event(spdlog::level::info, fmt::format("configuration reloaded: {}", summary()));
  if (!settled) return fail_in("the configuration is in force, but not all of it done", settled.error());
  return {};
}

Result<void> Daemon::detach(const std::vector<InterfaceName>& members) {
  Hold hold = reconciler_.hold();
  if (members.empty()) hold.all = true;
  const auto present = resolve_members(settings_.devices, reconciler_.observed(), nullptr);
  for (const InterfaceName& member : members) {
    if (std::ranges::none_of(present, [&](const Link* link) { return link->name == member; }))
      return fail(fmt::format("{} is no member of the uplink", member.view()), "see: xdpctl status", ENOENT);
    hold.members.push_back(member);
  }
  reconciler_.set_hold(std::move(hold));
  if (auto settled = settle(); !settled) return settled;
  log_event(spdlog::level::warn, members.empty() ? "detached from all members: every frame takes the stack"
                                                 : "detached from members, as an operator asked");
  return {};
}

Result<TuningReport> Daemon::tune_plan() {
  auto report = tuner_.plan(tuned_devices(), clock_());
  if (report) add_problems(*report, pollers_.by_hand(tuner_.planned_pollers()));
  return report;
}

Wish Daemon::wish() const {
  Wish wish = make_wish(settings_.tuning, active_);
  if (napi_by_hand_) wish.tuning.napi = *napi_by_hand_;
  return wish;
}

Result<NapiStatusReport> Daemon::napi_status() {
  const auto observed = tuner_.members_seen(tuned_devices(), clock_());
  if (!observed) return std::unexpected(observed.error());
  NapiStatusReport report{.wanted = text_of(wish().tuning.napi),
                          .by_hand = napi_by_hand_.has_value(),
                          .held = tuner_.holds(),
                          .napis = report_napis(*observed, tuner_.packable()),
                          .packing = packing_.report()};
  for (const PollerReading& poller : pollers_.readings())
    for (size_t i = 0; poller.running && i < poller.counters.queues; ++i) {
      const auto napi = std::ranges::find(report.napis, poller.counters.queue[i].napi, &NapiReport::napi);
      if (napi == report.napis.end() || napi->device != poller.device_of(i)) continue;
      napi->mode = "busy-poll";
      napi->cpus = fmt::format("{}", poller.counters.cpu);
      const PollerQueueCounters& queue = poller.counters.queue[i];
      napi->polled = {.handle = std::string(name_of(PollerHandle{queue.handle})),
                      .state = std::string(name_of(PollerQueueState{queue.state})),
                      .own_polls = queue.own_polls,
                      .other_polls = queue.other_polls};
    }
  for (NapiReport& napi : report.napis)
    if (const auto load = packing_.loads().find(napi.napi); load != packing_.loads().end()) {
      napi.ran = static_cast<uint32_t>(load->second.busy * 1000);
      napi.waited = static_cast<uint32_t>(load->second.waiting * 1000);
      napi.polls = load->second.polls;
      napi.packets = load->second.packets;
      napi.moves = load->second.moves;
    }
  return report;
}

Result<TuningReport> Daemon::set_napi(std::optional<NapiWish> wish_by_hand) {
  if (auto may = may_tune(); !may) return std::unexpected(may.error());
  if (!tuner_.holds()) return fail("nothing is tuned, so no mode is set", "first: xdpctl tune apply", EPERM);
  napi_by_hand_ = std::move(wish_by_hand);
  tuner_.set_wish(wish());
  return tune_apply();
}

TuningReport Daemon::tune_status() {
  TuningReport report = tuner_.status(clock_());
  add_problems(report, pollers_.problems());
  return report;
}

Result<TuningReport> Daemon::tune_apply() {
  if (auto may = may_tune(); !may) return std::unexpected(may.error());
  pollers_.try_again();
  tuner_.set_unpolled({});
  end_pollers_of_another_mode();
  auto report = tuner_.apply(tuned_devices(), clock_());
  look_at_pollers();
  if (report) add_problems(*report, pollers_.problems());
  if (on_look_) on_look_();  // when to look again may have changed
  return report;
}

Result<TuningReport> Daemon::tune_revert() {
  if (auto may = may_tune(); !may) return std::unexpected(may.error());
  pollers_.make_so({}, clock_());  // what one still holds would be taken for somebody else's
  auto report = tuner_.revert(tuned_devices(), clock_());
  look_at_pollers();
  if (on_look_) on_look_();
  return report;
}

Result<std::shared_ptr<Measurement>> Daemon::measure(uint64_t seconds) {
  if (seconds < 1 || seconds > kLongestWatchSeconds)
    return fail(fmt::format("{} seconds cannot be watched", seconds),
                fmt::format("1 to {} can", kLongestWatchSeconds), EINVAL);
  std::erase_if(measurements_, [](const auto& measurement) { return measurement.expired(); });
  if (measurements_.size() >= kMostWatches)
    return fail(fmt::format("{} others are watching already", measurements_.size()),
                "try again when they are done", EBUSY);
  const TunedDevices devices = tuned_devices();
  if (devices.nics.empty())
    return fail("none of uplink.devices is there, so there is nothing to watch", "see: xdpctl status",
                ENODEV);
  Measurement::Question question{.scope = {}, .taps = {}, .period_ms = seconds * 1000};
  for (const TunedNic& nic : devices.nics) question.scope.nics.push_back({nic.ifindex, nic.name});
  for (const TunedTap& tap : devices.taps) {
    question.scope.taps.push_back({tap.ifindex, tap.name});
    question.taps[tap.ifindex] = tap.name.text();
  }
  auto begun = Measurement::begin(kernel_, std::move(question));
  if (!begun) return std::unexpected(begun.error());
  std::shared_ptr<Measurement> measurement = std::move(*begun);
  measurements_.push_back(measurement);
  return measurement;
}

Result<Ongoing<PollsReport>> Daemon::watch_polls(uint64_t seconds) {
  auto measurement = measure(seconds);
  if (!measurement) return std::unexpected(measurement.error());
  return [this, measurement = std::move(*measurement)]() -> Result<std::variant<NotYet, PollsReport>> {
    auto measured = measurement->advance(clock_());
    if (!measured) return std::unexpected(measured.error());
    if (const auto* later = std::get_if<NotYet>(&*measured)) return *later;
    return std::move(std::get<Measured>(*measured).polls);
  };
}

Result<Ongoing<VerifyReport>> Daemon::tune_verify(uint64_t seconds) {
  auto measurement = measure(seconds);
  if (!measurement) return std::unexpected(measurement.error());
  return [this, measurement = std::move(*measurement)]() -> Result<std::variant<NotYet, VerifyReport>> {
    auto measured = measurement->advance(clock_());
    if (!measured) return std::unexpected(measured.error());
    if (const auto* later = std::get_if<NotYet>(&*measured)) return *later;
    auto& [polls, host] = std::get<Measured>(*measured);
    std::vector<Finding> findings = verify_tuning(tuner_.wanted(host, tuned_devices()), host, polls);
    return VerifyReport{.findings = std::move(findings), .polls = std::move(polls)};
  };
}

Result<Ongoing<SuggestReport>> Daemon::suggest_tx_coalesce(const InterfaceName& member,
                                                           uint64_t seconds_each) {
  if (seconds_each < 1 || seconds_each > kLongestWatchSeconds)
    return fail(fmt::format("{} seconds cannot be watched", seconds_each),
                fmt::format("1 to {} can", kLongestWatchSeconds), EINVAL);
  if (!walk_.expired()) return fail("values are being tried already", "wait until that is over", EBUSY);
  const TunedDevices devices = tuned_devices();
  const auto nic = std::ranges::find(devices.nics, member, &TunedNic::name);
  if (nic == devices.nics.end())
    return fail(fmt::format("{} is no member of the uplink", member.view()), "see: xdpctl status", ENOENT);
  auto begun = TxWalk::begin(kernel_, {.nic = {nic->ifindex, nic->name},
                                       .seconds_each = seconds_each,
                                       .state_dir = settings_.state_dir,
                                       .boot_id = read_boot_id()});
  if (!begun) return std::unexpected(begun.error());
  // However it ends, as when whoever asked goes away: tuning goes on.
  std::shared_ptr<TxWalk> walk(begun->release(), [this](TxWalk* over) {
    delete over;
    (void)undo_trial();
    if (on_look_) on_look_();
  });
  walk_ = walk;
  if (on_look_) on_look_();  // no look at the knobs is due any more
  return [this, walk = std::move(walk)] { return walk->advance(clock_()); };
}

}  // namespace xdpfwd

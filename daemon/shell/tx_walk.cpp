// SPDX-License-Identifier: BSD-2-Clause
#include "shell/tx_walk.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "shell/log.h"
#include "tuning/polls.h"
#include "tuning/suggest.h"

namespace xdpfwd {
namespace {

std::string directory_of(const std::string& state_dir) {
  return state_dir + "/trial";
}

bool is_coalescing(Knob knob) {
  return knob >= Knob::kAdaptiveRx && knob <= Knob::kTxFrames;
}

// All that setting tx-usecs may change: some NICs have one delay for both directions, and the value of the
// device goes to each queue.
UndoLog values_before(const HostTuning& host, const TunedDevice& nic) {
  UndoLog log;
  for (const SettingValue& value : host.settings)
    if (value.setting.ifindex == nic.ifindex && is_coalescing(value.setting.knob))
      log.entries.push_back({.setting = value.setting,
                             .device = nic.name,
                             .before = value.value,
                             .set = value.value,
                             .earlier = std::nullopt,
                             .shaken = true});
  return log;
}

Result<void> not_there(const UndoEntry& entry) {
  return fail(fmt::format("{} (ifindex {}) is not there", entry.device.view(), entry.setting.ifindex), {},
              ENODEV);
}

// A NIC that was renamed is the same one.
Result<void> follow_names(Kernel& kernel, UndoLog& log) {
  const auto state = kernel.observe(Scope::kWithoutRows);
  if (!state) return std::unexpected(state.error());
  for (UndoEntry& entry : log.entries)
    if (const Link* link = find_link(*state, entry.setting.ifindex)) entry.device = link->name;
  return {};
}

Result<void> put_back(Kernel& kernel, const UndoLog& log) {
  // Adaptive moderation resets the values behind it, and the device's value resets the queues': they follow.
  std::vector<UndoEntry> entries = log.entries;
  std::ranges::stable_sort(entries, {}, [](const UndoEntry& entry) {
    return std::pair(entry.setting.index != kWholeDevice, entry.setting.knob);
  });
  TuningScope scope;
  for (const UndoEntry& entry : entries)
    if (std::ranges::find(scope.nics, entry.setting.ifindex, &TunedDevice::ifindex) == scope.nics.end())
      scope.nics.push_back({entry.setting.ifindex, entry.device});
  Result<void> first = {};
  const auto failed = [&](Result<void> why) {
    if (first) first = std::move(why);
  };
  // A second time for what the first reset.
  for (int round = 0; round < 2; ++round) {
    first = {};
    auto host = kernel.observe_tuning(scope);
    for (const UndoEntry& entry : entries) {
      if (!host) return std::unexpected(host.error());
      if (!find_nic(*host, entry.setting.ifindex)) {
        failed(not_there(entry));
        continue;
      }
      const std::string* value = find_setting(*host, entry.setting);
      if (!value || *value == entry.before) continue;
      const Outcome outcome =
          kernel.apply(Tune{.setting = entry.setting, .name = entry.device, .value = entry.before});
      if (!outcome.status) failed(outcome.status);
      host = kernel.observe_tuning(scope);
    }
  }
  return first;
}

}  // namespace

TxWalk::TxWalk(Kernel& kernel, Question question)
    : kernel_(kernel),
      question_(std::move(question)),
      file_(directory_of(question_.state_dir), question_.boot_id) {}

Result<std::unique_ptr<TxWalk>> TxWalk::begin(Kernel& kernel, Question question) {
  const TunedDevice& nic = question.nic;
  // Its values are what was before, and not what is there now.
  if (auto restored = restore(kernel, question.state_dir, question.boot_id); !restored)
    return fail_in("an earlier trial of tx-usecs is not undone", std::move(restored).error());
  TuningScope scope;
  scope.nics.push_back(nic);
  const auto host = kernel.observe_tuning(scope);
  if (!host) return std::unexpected(host.error());
  const Nic* facts = find_nic(*host, nic.ifindex);
  const std::string* usecs = find_setting(*host, {nic.ifindex, Knob::kTxUsecs, kWholeDevice});
  if (!facts || !usecs)
    return fail(
        fmt::format("{} has no tx-usecs{}", nic.name.view(),
                    facts && !facts->driver.empty() ? fmt::format(" (driver {})", facts->driver) : ""),
        fmt::format("see: ethtool -c {}", nic.name.view()), EOPNOTSUPP);
  const std::string* adaptive = find_setting(*host, {nic.ifindex, Knob::kAdaptiveTx, kWholeDevice});
  if (adaptive && *adaptive == "on")
    return fail(fmt::format("{} chooses its tx-usecs itself: adaptive-tx is on", nic.name.view()),
                fmt::format("ethtool -C {} adaptive-tx off", nic.name.view()), EINVAL);
  std::unique_ptr<TxWalk> walk(new TxWalk(kernel, std::move(question)));
  std::from_chars(usecs->data(), usecs->data() + usecs->size(), walk->present_);
  walk->driver_ = facts->driver;
  const TxBound bound = tx_bound(host->tcp_limit_output_bytes, facts->speed_mbps);
  walk->longest_ = bound.usecs;
  walk->why_longest_ = bound.why;
  // Without frames that interrupt, no delay at all may mean that nothing does (<linux/ethtool.h>).
  const std::string* frames = find_setting(*host, {facts->ifindex, Knob::kTxFrames, kWholeDevice});
  walk->walk_ = tx_walk(walk->present_, bound, frames && *frames != "0");
  walk->before_ = values_before(*host, walk->question_.nic);
  // The folder of the undo log is in it, and makes itself.
  (void)::mkdir(walk->question_.state_dir.c_str(), 0700);
  if (auto noted = walk->file_.rewrite(walk->before_); !noted) {
    walk->over_ = true;
    return fail_in("nothing was changed", std::move(noted).error());
  }
  log_event(spdlog::level::info,
            fmt::format("{}: trying values of tx-usecs, as an operator asked; now it is {}",
                        walk->question_.nic.name.view(), walk->present_));
  if (auto set = walk->next_value(); !set) return std::unexpected(set.error());
  return walk;
}

TxWalk::~TxWalk() {
  if (over_) return;
  if (auto restored = give_up(); !restored)
    log_event(spdlog::level::err, fmt::format("{}: {}", question_.nic.name.view(), restored.error().text()));
}

Result<void> TxWalk::give_up() {
  if (over_) return {};
  measurement_.reset();
  if (auto put = put_back(kernel_, before_); !put)
    return fail_in("what was there before tx-usecs were tried cannot be set again", std::move(put).error());
  over_ = true;
  log_event(spdlog::level::info,
            fmt::format("{}: tx-usecs and what hangs on it are as before", question_.nic.name.view()));
  return file_.rewrite({});
}

Result<std::vector<std::string>> TxWalk::restore(Kernel& kernel, const std::string& state_dir,
                                                 const std::string& boot_id) {
  UndoFile file(directory_of(state_dir), boot_id);
  std::vector<std::string> names;
  if (!file.there()) return names;
  auto log = file.load();
  if (!log) return std::unexpected(log.error());
  if (auto followed = follow_names(kernel, *log); !followed) return std::unexpected(followed.error());
  if (auto put = put_back(kernel, *log); !put) {
    Error error = put.error();
    if (error.code == ENODEV) error.remedy = fmt::format("if it never comes back: rm {}", file.path());
    return std::unexpected(std::move(error));
  }
  for (const UndoEntry& entry : log->entries)
    if (std::ranges::find(names, entry.device.text()) == names.end()) names.push_back(entry.device.text());
  if (auto cleared = file.rewrite({}); !cleared) return std::unexpected(std::move(cleared).error());
  return names;
}

Result<void> TxWalk::next_value() {
  const uint32_t usecs = walk_[at_];
  const Setting setting{question_.nic.ifindex, Knob::kTxUsecs, kWholeDevice};
  TuningScope scope;
  scope.nics.push_back(question_.nic);
  const auto host = kernel_.observe_tuning(scope);
  if (!host) return std::unexpected(host.error());
  const std::string wanted = fmt::format("{}", usecs);
  if (const std::string* value = find_setting(*host, setting); !value || *value != wanted) {
    const Outcome outcome =
        kernel_.apply(Tune{.setting = setting, .name = question_.nic.name, .value = wanted});
    if (!outcome.status)
      return fail_in(fmt::format("{} cannot try tx-usecs {}", question_.nic.name.view(), usecs),
                     outcome.status.error());
  }
  auto begun = Measurement::begin(
      kernel_, {.scope = std::move(scope), .taps = {}, .period_ms = question_.seconds_each * 1000});
  if (!begun) return std::unexpected(begun.error());
  measurement_ = std::move(*begun);
  return {};
}

Result<std::variant<NotYet, SuggestReport>> TxWalk::advance(uint64_t now_ms) {
  if (over_ || !measurement_) return fail("the daemon is about to end", "ask again when it runs", ECANCELED);
  auto measured = measurement_->advance(now_ms);
  if (!measured) return std::unexpected(measured.error());
  if (const auto* later = std::get_if<NotYet>(&*measured)) return *later;
  const PollsReport& polls = std::get<Measured>(*measured).polls;
  const QueueReport sum = sum_of(polls, question_.nic.name.text());
  rungs_.push_back({.usecs = walk_[at_],
                    .period_ns = polls.period_ns,
                    .polls = sum.polls(),
                    .zero_polls = sum.by_work[0],
                    .packets = sum.packets,
                    .interrupts = sum.interrupts.value_or(0),
                    .net_softirq_ns = polls.net_softirq_ns});
  if (++at_ < walk_.size()) {
    if (auto set = next_value(); !set) return std::unexpected(set.error());
    return advance(now_ms);
  }
  if (auto restored = give_up(); !restored) return std::unexpected(restored.error());
  return suggest_tx(question_.nic.name.text(), driver_, present_, std::move(rungs_),
                    {.usecs = longest_, .why = why_longest_});
}

}  // namespace xdpfwd

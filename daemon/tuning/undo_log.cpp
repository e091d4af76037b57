// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/undo_log.h"

#include <algorithm>
#include <map>
#include <set>

#include "tuning/new_threads.h"
#include "tuning/plan_tuning.h"

namespace xdpfwd {
namespace {

// The entry after the plan has this step.
UndoEntry entry_for(const TuningStep& step, const UndoEntry* present) {
  if (!present)
    return {.setting = step.setting,
            .device = step.device,
            .before = step.from,
            .set = step.to,
            .earlier = std::nullopt,
            .shaken = false,
            .begun = true,
            .roams = false};
  UndoEntry entry = *present;
  entry.begun = entry.begun || entry.set != step.to;
  entry.set = step.to;
  entry.earlier = std::nullopt;
  if (step.from != entry.before && step.from != step.to && holder_of(*present, step.from) == Holder::kUs)
    entry.earlier = step.from;
  return entry;
}

// Of a NIC whose number of channels we changed: what is gone with a channel comes back with it.
std::set<uint32_t> with_other_channels(const UndoLog& log, const HostTuning& observed) {
  std::set<uint32_t> ifindexes;
  for (const UndoEntry& entry : log.entries) {
    if (entry.setting.knob != Knob::kChannels) continue;
    const auto value = observed_value(observed, entry);
    if (value && *value != entry.before) ifindexes.insert(entry.setting.ifindex);
  }
  return ifindexes;
}

// A thread that we took away comes back when its instance gets one again, and then with the CPUs it had.
bool waits_for_thread(const UndoLog& log, const HostTuning& observed, const Setting& of_thread) {
  for (const uint32_t index : {of_thread.index, kWholeDevice}) {
    const UndoEntry* entry = find_entry(log, {of_thread.ifindex, Knob::kNapiThreaded, index});
    if (entry && entry->before != "off" && observed_value(observed, *entry) == "off") return true;
  }
  return false;
}

// What is not seen of a NIC that is there may come back, and what was before must not be forgotten: the
// interrupts of one that is down, anything of one that is being reset. Not so a queue that there is not any
// more, nor an interrupt of one that has others.
bool is_gone(const UndoLog& log, const UndoEntry& entry, const Nic& nic) {
  const Setting& setting = entry.setting;
  switch (scope_of(setting.knob)) {
    case KnobScope::kAnyQueue:
    case KnobScope::kRxQueue:
    case KnobScope::kTxQueue:
      return setting.index != kWholeDevice && setting.index >= nic.queues.size();
    case KnobScope::kNapi:
      // A thread that is not there any more takes its CPUs along; the next one starts with the usual ones.
      if (is_of_thread(setting.knob)) return true;
      if (setting.index == kWholeDevice || nic.napis.empty() || setting.index < nic.napis.size())
        return false;
      // Of an instance itself the kernel keeps the values, for when there are as many again. One that came
      // with channels that we added had none before.
      return (entry.set == entry.before && !entry.roams) ||
             find_entry(log, {setting.ifindex, Knob::kChannels, kWholeDevice}) != nullptr;
    case KnobScope::kIrq:
      return std::ranges::any_of(nic.queues, [](const Queue& queue) { return queue.irq != 0; });
    default:
      return false;
  }
}

// At least one setting of it.
bool is_seen(const HostTuning& observed, uint32_t ifindex) {
  const auto at =
      std::ranges::lower_bound(observed.settings, Setting{ifindex, Knob{}, 0}, {}, &SettingValue::setting);
  return at != observed.settings.end() && at->setting.ifindex == ifindex;
}

}  // namespace

const UndoEntry* find_entry(const UndoLog& log, const Setting& setting) {
  const auto at = std::ranges::lower_bound(log.entries, setting, {}, &UndoEntry::setting);
  return at != log.entries.end() && at->setting == setting ? &*at : nullptr;
}

Holder holder_of(const UndoEntry& entry, std::string_view observed) {
  if (observed == entry.before) return Holder::kNobody;
  if (observed == entry.set || observed == entry.earlier || entry.shaken || entry.roams) return Holder::kUs;
  return Holder::kOthers;
}

std::optional<std::string_view> observed_value(const HostTuning& host, const Setting& setting) {
  if (const std::string* value = find_setting(host, setting)) return *value;
  // irqbalance knows numbers: also one that the NIC has no more, and that may be another's by now.
  if (setting.knob == Knob::kIrqBan && host.irqbalance)
    return find_setting(host, {0, Knob::kIrqBan, setting.index}) ? "on" : "off";
  if (setting.knob != Knob::kRule) return std::nullopt;
  const Nic* nic = find_nic(host, setting.ifindex);
  return nic && setting.index < nic->rule_capacity ? std::optional<std::string_view>("") : std::nullopt;
}

std::optional<std::string_view> observed_value(const HostTuning& host, const UndoEntry& entry) {
  const Nic* nic = find_nic(host, entry.setting.ifindex);
  if (nic && nic->name != entry.device && entry.setting.knob != Knob::kIrqBan) return std::nullopt;
  return observed_value(host, entry.setting);
}

UndoChanges record(UndoLog& log, const TuningPlan& plan) {
  UndoChanges changes;
  std::map<Setting, UndoEntry> entries;
  for (const UndoEntry& entry : log.entries) entries.emplace_hint(entries.end(), entry.setting, entry);
  std::map<Setting, UndoEntry> dropped;
  for (const LeftAlone& left : plan.left_alone)
    if (auto node = entries.extract(left.setting)) dropped.emplace(node.key(), std::move(node.mapped()));

  std::set<Setting> touched;
  for (const TuningStep& step : plan.steps) {
    const auto at = entries.find(step.setting);
    entries.insert_or_assign(step.setting, entry_for(step, at == entries.end() ? nullptr : &at->second));
    touched.insert(step.setting);
  }
  for (const Disturbed& disturbed : plan.disturbed) {
    const auto [at, is_new] =
        entries.try_emplace(disturbed.setting, UndoEntry{disturbed.setting, disturbed.device, disturbed.value,
                                                         disturbed.held, std::nullopt, true, false, false});
    at->second.shaken = true;
    touched.insert(disturbed.setting);
  }
  for (const Disturbed& roaming : plan.roaming) {
    const auto [at, is_new] =
        entries.try_emplace(roaming.setting, UndoEntry{roaming.setting, roaming.device, roaming.value,
                                                       roaming.held, std::nullopt, false, false, true});
    at->second.roams = true;
    touched.insert(roaming.setting);
  }
  for (const Setting& setting : touched) {
    const UndoEntry& entry = entries.at(setting);
    const UndoEntry* was = find_entry(log, setting);
    if (!was || *was != entry || dropped.contains(setting)) changes.written.push_back(entry);
    dropped.erase(setting);
  }
  for (auto& [setting, entry] : dropped) changes.dropped.push_back(std::move(entry));
  log.entries.clear();
  for (auto& [setting, entry] : entries) log.entries.push_back(std::move(entry));
  return changes;
}

bool lets_roam(const UndoLog& log, const TuningPlan& plan) {
  return std::ranges::all_of(plan.roaming, [&](const Disturbed& roaming) {
    const UndoEntry* entry = find_entry(log, roaming.setting);
    return entry && entry->roams;
  });
}

UndoChanges settle(UndoLog& log, const HostTuning& observed, const std::vector<uint32_t>& there,
                   const std::vector<Disturbed>& roaming) {
  UndoChanges changes;
  const std::set<uint32_t> waiting = with_other_channels(log, observed);
  const UndoLog before = log;
  std::vector<UndoEntry> kept;
  for (UndoEntry& entry : log.entries) {
    const auto value = observed_value(observed, entry);
    const Nic* nic = find_nic(observed, entry.setting.ifindex);
    const bool comes_back =
        !value && nic && nic->name == entry.device &&
        (waiting.contains(nic->ifindex) || !is_gone(before, entry, *nic) ||
         (is_of_thread(entry.setting.knob) && waits_for_thread(before, observed, entry.setting)));
    const bool unseen = !value && std::ranges::binary_search(there, entry.setting.ifindex) &&
                        !is_seen(observed, entry.setting.ifindex);
    const bool roams =
        entry.roams && std::ranges::binary_search(roaming, entry.setting, {}, &Disturbed::setting);
    if (value ? *value == entry.before && !roams : !comes_back && !unseen) {
      changes.dropped.push_back(std::move(entry));
      continue;
    }
    const bool calmed = entry.roams && !roams;
    if (value && *value == entry.set && (entry.shaken || entry.begun || entry.earlier || calmed)) {
      entry.shaken = false;
      entry.begun = false;
      entry.earlier = std::nullopt;
      entry.roams = roams;
      changes.written.push_back(entry);
    }
    kept.push_back(std::move(entry));
  }
  log.entries = std::move(kept);
  return changes;
}

}  // namespace xdpfwd

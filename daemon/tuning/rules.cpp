// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace xdpfwd {
namespace {

// What a rule matches on, as a number: at most one rule for it is of use.
uint64_t match_of(const SteeringRule& rule) {
  return FdbKey::make(rule.mac, rule.vlan).packed;
}

struct NicRule {
  uint32_t location = 0;
  std::optional<SteeringRule> rule;  // empty: one that we could not have written
  bool ours = false;
};

std::vector<NicRule> rules_of(const Nic& nic, const HostTuning& observed, const UndoLog& log) {
  std::vector<NicRule> rules;
  const auto first = std::ranges::lower_bound(observed.settings, Setting{nic.ifindex, Knob::kRule, 0}, {},
                                              &SettingValue::setting);
  for (auto at = first;
       at != observed.settings.end() && at->setting.ifindex == nic.ifindex && at->setting.knob == Knob::kRule;
       ++at) {
    if (at->value.empty()) continue;
    const UndoEntry* entry = find_entry(log, at->setting);
    const auto parsed = SteeringRule::parse(at->value);
    rules.push_back({at->setting.index, parsed ? std::optional(*parsed) : std::nullopt,
                     entry && entry->device == nic.name && holder_of(*entry, at->value) == Holder::kUs});
  }
  return rules;
}

// MACs that lead to more than one guest.
std::unordered_set<uint64_t> shared_macs(const std::vector<GuestWish>& guests) {
  std::unordered_map<uint64_t, uint32_t> first;
  std::unordered_set<uint64_t> shared;
  for (uint32_t i = 0; i < guests.size(); ++i)
    for (const MacAddress mac : guests[i].macs)
      if (const auto [at, is_new] = first.try_emplace(mac.bits(), i); !is_new && at->second != i)
        shared.insert(mac.bits());
  return shared;
}

}  // namespace

std::vector<WantedRule> want_rules(const std::vector<GuestWish>& guests,
                                   const std::vector<uint32_t>& queue_of_guest,
                                   std::vector<Remark>& remarks) {
  const auto shared = shared_macs(guests);
  struct Ranked {
    uint32_t rank = 0;
    WantedRule wanted;
  };
  std::vector<Ranked> ranked;
  for (uint32_t i = 0; i < guests.size(); ++i) {
    uint32_t rank = 0;
    for (const MacAddress mac : guests[i].macs) {
      if (!shared.contains(mac.bits())) {
        ranked.push_back({rank++, {{mac, VlanTag(), queue_of_guest[i]}, i}});
        continue;
      }
      for (const VlanTag vlan : guests[i].vlans) {
        if (vlan != VlanTag()) {
          ranked.push_back({rank++, {{mac, vlan, queue_of_guest[i]}, i}});
          continue;
        }
        remarks.push_back(
            {"guest " + guests[i].name,
             fmt::format("{} is not steered for untagged frames: the MAC is also another guest's, "
                         "and a rule without a VLAN matches on all",
                         mac.text()),
             "", false});
      }
    }
  }
  std::ranges::stable_sort(ranked, {}, &Ranked::rank);
  std::vector<WantedRule> wanted;
  wanted.reserve(ranked.size());
  for (const Ranked& one : ranked) wanted.push_back(one.wanted);
  return wanted;
}

std::vector<PlacedRule> place_rules(const std::vector<WantedRule>& wanted,
                                    const std::vector<GuestWish>& guests, const Nic& nic,
                                    const HostTuning& observed, const UndoLog& log,
                                    std::vector<Remark>& remarks) {
  std::vector<bool> taken(nic.rule_capacity, false);
  std::unordered_map<uint64_t, uint32_t> ours;  // match -> location
  std::unordered_map<uint64_t, uint32_t> foreign;
  uint32_t room = nic.rule_capacity;
  for (const NicRule& rule : rules_of(nic, observed, log)) {
    if (rule.ours && rule.rule) {
      // One beyond a table that has shrunk is made anew, and goes back.
      if (rule.location >= taken.size()) continue;
      ours.try_emplace(match_of(*rule.rule), rule.location);
      continue;
    }
    if (rule.location < taken.size()) taken[rule.location] = true;
    if (room > 0) --room;
    if (rule.rule) foreign.try_emplace(match_of(*rule.rule), rule.location);
  }

  // Who gets one, and who has one already.
  std::vector<PlacedRule> placed;
  std::vector<bool> without(guests.size(), false);
  uint32_t left_out = 0;
  for (uint32_t i = 0; i < wanted.size(); ++i) {
    const SteeringRule& rule = wanted[i].rule;
    if (const auto theirs = foreign.find(match_of(rule)); theirs != foreign.end()) {
      remarks.push_back({"guest " + guests[wanted[i].guest].name,
                         fmt::format("{} already has a rule for {} that somebody else made, at location {}",
                                     nic.name.view(), rule.mac.text(), theirs->second),
                         fmt::format("remove it to let xdpfwd steer: ethtool -N {} delete {}",
                                     nic.name.view(), theirs->second),
                         true});
      continue;
    }
    if (placed.size() == room) {
      without[wanted[i].guest] = true;
      ++left_out;
      continue;
    }
    const auto here = ours.find(match_of(rule));
    placed.push_back({here == ours.end() ? UINT32_MAX : here->second, i});
    if (here != ours.end()) taken[here->second] = true;
  }
  if (left_out != 0) {
    const auto first = static_cast<size_t>(std::ranges::find(without, true) - without.begin());
    remarks.push_back(
        {nic.name.text(),
         fmt::format("its table takes {} rules and {} more are wanted: {} guests from {} on are left "
                     "to RSS, in whole or in part",
                     room, left_out, std::ranges::count(without, true), guests[first].name),
         "their frames are forwarded all the same, by any queue", false});
  }
  uint32_t next = 0;
  for (PlacedRule& rule : placed) {
    if (rule.location != UINT32_MAX) continue;
    while (taken[next]) ++next;
    rule.location = next;
    taken[next] = true;
  }
  return placed;
}

std::vector<std::optional<uint32_t>> present_queues(const std::vector<GuestWish>& guests,
                                                    const HostTuning& observed, const UndoLog& log) {
  std::vector<std::optional<uint32_t>> queues(guests.size());
  for (const Nic& nic : observed.nics) {
    std::unordered_map<uint64_t, uint32_t> there;
    for (const NicRule& rule : rules_of(nic, observed, log))
      if (rule.ours && rule.rule) there.try_emplace(match_of(*rule.rule), rule.rule->queue);
    if (there.empty()) continue;
    const auto find = [&](const GuestWish& guest) -> std::optional<uint32_t> {
      for (const MacAddress mac : guest.macs) {
        if (const auto at = there.find(FdbKey::make(mac, VlanTag()).packed); at != there.end())
          return at->second;
        for (const VlanTag vlan : guest.vlans)
          if (const auto at = there.find(FdbKey::make(mac, vlan).packed); at != there.end())
            return at->second;
      }
      return std::nullopt;
    };
    for (size_t i = 0; i < guests.size(); ++i)
      if (!queues[i]) queues[i] = find(guests[i]);
  }
  return queues;
}

}  // namespace xdpfwd

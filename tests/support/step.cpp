// SPDX-License-Identifier: BSD-2-Clause
#include "support/step.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpfwd {
namespace {

// What is noted about a NIC, to be changed; dropped by tidy_changes() when nothing is left.
NicChanges& changes_at(State& state, uint32_t ifindex, const InterfaceName& name) {
  const auto at = std::ranges::lower_bound(state.nics, ifindex, {}, &NicChanges::ifindex);
  if (at != state.nics.end() && at->ifindex == ifindex) return *at;
  return *state.nics.insert(at, NicChanges{.ifindex = ifindex, .name = name});
}
void tidy_changes(State& state) {
  std::erase_if(state.nics, [](const NicChanges& nic) { return !nic.promisc && !nic.rxvlan_off; });
}

Result<void> no_table() {
  return fail("there is no table", "create the table first", ENOENT);
}

Result<void> check_link(const State& state, uint32_t ifindex, const InterfaceName& name) {
  const Link* link = find_link(state, ifindex);
  if (!link || link->name != name)
    return fail(fmt::format("{} (ifindex {}) is not there", name.view(), ifindex), {}, ENODEV);
  return {};
}

Port* port_at(State& state, uint32_t slot) {
  const auto at = std::ranges::lower_bound(state.ports, slot, {}, &Port::slot);
  return at != state.ports.end() && at->slot == slot ? &*at : nullptr;
}

Member* member_at(State& state, uint32_t slot) {
  const auto at = std::ranges::lower_bound(state.members, slot, {}, &Member::slot);
  return at != state.members.end() && at->slot == slot ? &*at : nullptr;
}

Result<void> take(State& state, const CreateTable& action) {
  if (action.capacity == 0) return fail("a table needs at least one row", {}, EINVAL);
  state.table = {.capacity = action.capacity, .rows = {}};
  for (Member& member : state.members)
    if (member.program == ProgramState::kCurrent) member.program = ProgramState::kOutdated;
  return {};
}

Result<void> take(State& state, const ClosePort& action) {
  if (state.table.capacity == 0) return no_table();
  if (Port* port = port_at(state, action.slot)) {
    port->ifindex = 0;
    port->max_len = 0;
    port->relearn_s = 0;
    port->in_devmap = false;
  }
  return {};
}

Result<void> take(State& state, const OpenPort& action) {
  if (state.table.capacity == 0) return no_table();
  if (action.port.slot >= XDPFWD_MAX_PORTS)
    return fail(fmt::format("there is no port slot {}", action.port.slot), {}, EINVAL);
  if (auto there = check_link(state, action.port.ifindex, action.port.name); !there) return there;
  if (Port* port = port_at(state, action.port.slot)) {
    *port = action.port;
    port->in_devmap = true;
    return {};
  }
  const auto at = std::ranges::lower_bound(state.ports, action.port.slot, {}, &Port::slot);
  state.ports.insert(at, action.port)->in_devmap = true;
  return {};
}

Result<void> take(State& state, const DeleteRows& action) {
  if (state.table.capacity == 0) return no_table();
  std::vector<FdbKey> keys = action.keys;
  std::ranges::sort(keys);
  std::erase_if(state.table.rows,
                [&](const FdbRow& row) { return std::ranges::binary_search(keys, row.key); });
  return {};
}

Result<void> take(State& state, const SetRows& action) {
  if (state.table.capacity == 0) return no_table();
  std::vector<FdbRow> added = action.rows;
  std::ranges::sort(added, {}, &FdbRow::key);
  std::vector<FdbRow>& rows = state.table.rows;
  // The usual case of a first fill: everything goes to the end.
  if (rows.empty() || (!added.empty() && rows.back().key < added.front().key)) {
    if (rows.size() + added.size() > state.table.capacity)
      return fail("the table is full", "raise fdb.max_entries", E2BIG);
    rows.insert(rows.end(), added.begin(), added.end());
    return {};
  }
  std::vector<FdbRow> merged;
  merged.reserve(rows.size() + added.size());
  auto have = rows.begin();
  for (const FdbRow& row : added) {
    while (have != rows.end() && have->key < row.key) merged.push_back(*have++);
    if (have != rows.end() && have->key == row.key) ++have;
    merged.push_back(row);
  }
  merged.insert(merged.end(), have, rows.end());
  if (merged.size() > state.table.capacity) return fail("the table is full", "raise fdb.max_entries", E2BIG);
  rows = std::move(merged);
  return {};
}

Result<void> take(State& /*state*/, const AwaitGrace& /*action*/) {
  return {};
}

Result<void> take(State& state, const SetRxVlan& action) {
  if (auto there = check_link(state, action.ifindex, action.name); !there) return there;
  const auto link = std::ranges::lower_bound(state.links, action.ifindex, {}, &Link::ifindex);
  if (link->rxvlan != action.on) {
    if (link->rxvlan_fixed)
      return fail(fmt::format("rxvlan of {} is fixed", action.name.view()), {}, EOPNOTSUPP);
    link->rxvlan = action.on;
    if (!action.on) changes_at(state, action.ifindex, action.name).rxvlan_off = true;
  }
  if (action.on) changes_at(state, action.ifindex, action.name).rxvlan_off = false;
  tidy_changes(state);
  return {};
}

Result<void> take(State& state, const SetPromisc& action) {
  if (auto there = check_link(state, action.ifindex, action.name); !there) return there;
  const auto link = std::ranges::lower_bound(state.links, action.ifindex, {}, &Link::ifindex);
  if (link->promisc != action.on) link->promiscuity += action.on ? 1U : -1U;
  link->promisc = action.on;
  changes_at(state, action.ifindex, action.name).promisc = action.on;
  tidy_changes(state);
  return {};
}

Result<void> take(State& state, const AttachMember& action) {
  if (state.table.capacity == 0) return no_table();
  const Member& member = action.member;
  if (member.slot >= XDPFWD_MAX_MEMBERS)
    return fail(fmt::format("there is no member slot {}", member.slot), {}, EINVAL);
  if (auto there = check_link(state, member.ifindex, member.name); !there) return there;
  if (member_at(state, member.slot) || find_member(state, member.ifindex))
    return fail(fmt::format("{} has a program already", member.name.view()), {}, EBUSY);
  const auto at = std::ranges::lower_bound(state.members, member.slot, {}, &Member::slot);
  state.members.insert(at, member)->program = ProgramState::kCurrent;
  return {};
}

Result<void> take(State& state, const ReplaceProgram& action) {
  Member* member = member_at(state, action.member.slot);
  if (!member || member->ifindex != action.member.ifindex || member->program == ProgramState::kGone)
    return fail(fmt::format("{} has no program of ours", action.member.name.view()), {}, ENOENT);
  *member = action.member;
  member->program = ProgramState::kCurrent;
  return {};
}

Result<void> take(State& state, const SetMember& action) {
  Member* member = member_at(state, action.member.slot);
  if (!member || member->ifindex != action.member.ifindex)
    return fail(fmt::format("{} has no program of ours", action.member.name.view()), {}, ENOENT);
  member->name = action.member.name;
  member->active = action.member.active;
  member->drop_reflected = action.member.drop_reflected;
  return {};
}

Result<void> take(State& state, const DetachMember& action) {
  std::erase_if(state.members,
                [&](const Member& m) { return m.slot == action.slot && m.ifindex == action.ifindex; });
  return {};
}

Result<void> take(State& state, const WatchLosses& /*action*/) {
  if (state.table.capacity == 0) return no_table();
  state.watching = true;
  return {};
}

Result<void> take(State& state, const RemoveTable& /*action*/) {
  if (!state.members.empty()) return fail("members still use the table", "detach them first", EBUSY);
  state.table = {};
  state.ports.clear();
  state.watching = false;
  return {};
}

// What a Tune changes is no part of a State; the fake of it is fake_host_tuning.h.
Result<void> take(State& /*state*/, const Tune& action) {
  return fail("a State has no " + text_of(action.setting), "apply it to a FakeHostTuning", EOPNOTSUPP);
}

}  // namespace

Result<void> step(HostTuning& host, const Tune& tune) {
  const Setting& setting = tune.setting;
  const Nic* nic = find_nic(host, setting.ifindex);
  // Taps have settings only, and no name here.
  const bool there = std::ranges::any_of(
      host.settings, [&](const SettingValue& value) { return value.setting.ifindex == setting.ifindex; });
  if (nic ? nic->name != tune.name : !there)
    return fail(fmt::format("{} (ifindex {}) is not there", tune.name.view(), setting.ifindex), {}, ENODEV);
  const auto at = std::ranges::lower_bound(host.settings, setting, {}, &SettingValue::setting);
  const bool set = at != host.settings.end() && at->setting == setting;
  if (setting.knob == Knob::kRule && nic && nic->rule_capacity != 0) {
    if (setting.index >= nic->rule_capacity)
      return fail(fmt::format("{} has no place {} for a rule", tune.name.view(), setting.index), {}, ENOSPC);
    if (tune.value.empty()) {
      if (set) host.settings.erase(at);
      return {};
    }
    if (!set) {
      host.settings.insert(at, {.setting = setting, .value = tune.value});
      return {};
    }
  }
  if (!set) return fail(fmt::format("{} has no {}", tune.name.view(), text_of(setting)), {}, EOPNOTSUPP);
  at->value = tune.value;
  return {};
}

Result<void> step(State& state, const Action& action) {
  return std::visit([&](const auto& a) { return take(state, a); }, action);
}

}  // namespace xdpfwd

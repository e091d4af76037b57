// SPDX-License-Identifier: BSD-2-Clause
// The order, and why each step may stand where it stands:
//   1 detach NICs that are no members   their frames take the stack, which is right without us
//   2 close ports of lost identity      before anything can use their ifindex or name again
//   3 new table, if its size changes    programs keep forwarding by the old one until step 9
//   4 delete rows nobody wants          a missing row passes; and it makes room for the new ones
//   5 set facts of members              a member that the bond does not use must not deliver
//   6 open ports                        a port without rows gets nothing
//   7 set rows                          each row leads to an open port
//   8 attach members                    a new member finds the table filled
//   9 replace programs                  and so does a new program on a new table
//  10 close ports nobody wants          no row leads there any more
//  11 wait for a grace period           so that the next plan may use their slots
//  12 undo what we changed about NICs   no program is left that finds its tags where they would not be
#include "core/plan.h"

#include <algorithm>

namespace xdpfwd {
namespace {

bool is_where_it_was(const Port& port, const State& observed) {
  const Link* link = find_link(observed, port.ifindex);
  return link && link->name == port.name && port.in_devmap;
}

template <typename Batch, typename Item>
void append_batches(std::vector<Action>& actions, const std::vector<Item>& items) {
  for (size_t from = 0; from < items.size(); from += kRowsPerAction) {
    const size_t to = std::min(items.size(), from + kRowsPerAction);
    actions.push_back(Batch{{items.begin() + static_cast<std::ptrdiff_t>(from),
                             items.begin() + static_cast<std::ptrdiff_t>(to)}});
  }
}

struct RowDifference {
  std::vector<FdbKey> gone;
  std::vector<FdbRow> set;
};

// Both sorted by key.
RowDifference compare_rows(const std::vector<FdbRow>& desired, const std::vector<FdbRow>& observed) {
  RowDifference difference;
  auto want = desired.begin();
  auto have = observed.begin();
  while (want != desired.end() || have != observed.end()) {
    if (have == observed.end() || (want != desired.end() && want->key < have->key)) {
      difference.set.push_back(*want++);
    } else if (want == desired.end() || have->key < want->key) {
      difference.gone.push_back((have++)->key);
    } else {
      if (*want != *have) difference.set.push_back(*want);
      ++want;
      ++have;
    }
  }
  return difference;
}

// What a NIC must be told before a program that finds the tag in the frame runs on it.
void append_rxvlan_off(std::vector<Action>& actions, const Member& member, const State& observed) {
  const Link* link = find_link(observed, member.ifindex);
  if (member.flavour == Flavour::kFrame && link && link->rxvlan)
    actions.push_back(SetRxVlan{.ifindex = member.ifindex, .name = member.name, .on = false});
}

void append_replacement(std::vector<Action>& actions, const Member& want, const State& observed) {
  append_rxvlan_off(actions, want, observed);
  actions.push_back(ReplaceProgram{want});
}

bool facts_differ(const Member& a, const Member& b) {
  return a.active != b.active || a.drop_reflected != b.drop_reflected || a.name != b.name;
}

void append_promisc_on(std::vector<Action>& actions, const Member& member, const State& desired,
                       const State& observed) {
  const Link* link = find_link(observed, member.ifindex);
  if (changes_of(desired, member.ifindex).promisc && link && !link->promisc)
    actions.push_back(SetPromisc{.ifindex = member.ifindex, .name = member.name, .on = true});
}

void append_undoing(std::vector<Action>& actions, const State& desired, const State& observed) {
  for (const NicChanges& have : observed.nics) {
    const NicChanges want = changes_of(desired, have.ifindex);
    if (have.rxvlan_off && !want.rxvlan_off)
      actions.push_back(SetRxVlan{.ifindex = have.ifindex, .name = have.name, .on = true});
    if (have.promisc && !want.promisc)
      actions.push_back(SetPromisc{.ifindex = have.ifindex, .name = have.name, .on = false});
  }
}

}  // namespace

std::vector<Action> plan(const State& desired, const State& observed) {
  std::vector<Action> actions;
  const auto wanted = [&](const Member& have) -> const Member* {
    const Member* want = find_member(desired, have.ifindex);
    return want && want->slot == have.slot && want->mode == have.mode ? want : nullptr;
  };

  for (const Member& have : observed.members)
    if (!wanted(have))
      actions.push_back(DetachMember{.slot = have.slot, .ifindex = have.ifindex, .name = have.name});
  if (desired.table.capacity == 0) {
    append_undoing(actions, desired, observed);
    if (observed.table.capacity != 0) actions.push_back(RemoveTable{});
    return actions;
  }

  std::vector<Action> late_closes;
  bool closes = false;
  for (const Port& have : observed.ports) {
    if (have.ifindex == 0) continue;
    const Port* want = find_port(desired, have.slot);
    if (want && want->name == have.name && want->ifindex == have.ifindex) continue;
    const ClosePort close{.slot = have.slot, .ifindex = have.ifindex};
    closes = true;
    if (!want && is_where_it_was(have, observed))
      late_closes.push_back(close);
    else
      actions.push_back(close);
  }

  const bool new_table = observed.table.capacity != desired.table.capacity;
  if (new_table) actions.push_back(CreateTable{desired.table.capacity});
  const RowDifference rows =
      compare_rows(desired.table.rows, new_table ? std::vector<FdbRow>{} : observed.table.rows);
  append_batches<DeleteRows>(actions, rows.gone);

  for (const Member& have : observed.members)
    if (const Member* want = wanted(have)) {
      // An outdated program gets its facts with its replacement; one of another ABI version has none that we
      // could set.
      if (have.program != ProgramState::kCurrent || !facts_differ(*want, have)) continue;
      // Only the facts: the flavour changes with the program.
      Member facts = *want;
      facts.flavour = have.flavour;
      facts.program = have.program;
      actions.push_back(SetMember{facts});
    }

  for (const Port& want : desired.ports) {
    const Port* have = find_port(observed, want.slot);
    if (have && *have == want) continue;
    actions.push_back(OpenPort{.port = want, .reset_counters = !have || have->name != want.name});
  }
  append_batches<SetRows>(actions, rows.set);

  for (const Member& want : desired.members) {
    const Member* have = find_member(observed, want.ifindex);
    if (have && wanted(*have)) continue;
    append_rxvlan_off(actions, want, observed);
    actions.push_back(AttachMember{want});
    append_promisc_on(actions, want, desired, observed);
  }
  for (const Member& have : observed.members)
    if (const Member* want = wanted(have)) {
      if (have.program != ProgramState::kCurrent || new_table || have.flavour != want->flavour)
        append_replacement(actions, *want, observed);
      else
        append_rxvlan_off(actions, *want, observed);
      append_promisc_on(actions, *want, desired, observed);
    }

  actions.insert(actions.end(), late_closes.begin(), late_closes.end());
  if (closes) actions.push_back(AwaitGrace{});
  append_undoing(actions, desired, observed);
  if (desired.watching && !observed.watching) actions.push_back(WatchLosses{});
  return actions;
}

}  // namespace xdpfwd

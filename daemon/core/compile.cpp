// SPDX-License-Identifier: BSD-2-Clause
#include "core/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace xdpfwd {
namespace {

using LinksByName = std::unordered_map<std::string_view, const Link*>;

LinksByName index_by_name(const std::vector<Link>& links) {
  LinksByName index;
  index.reserve(links.size());
  for (const Link& link : links) index.emplace(link.name.view(), &link);
  return index;
}

const Refusal* find_refusal(const std::vector<Refusal>& refusals, uint32_t ifindex, Flavour flavour) {
  for (const Refusal& refusal : refusals)
    if (refusal.ifindex == ifindex && refusal.flavour == flavour) return &refusal;
  return nullptr;
}

Problem problem_of_tap(const InterfaceName& tap, PortState state) {
  Problem problem{.thing = fmt::format("port {}", tap.view()), .why = {}, .remedy = {}, .retry_ms = {}};
  problem.waiting =
      state == PortState::kMissing || state == PortState::kDown || state == PortState::kNoReader;
  switch (state) {
    case PortState::kMissing:
      problem.why = "there is no such interface; its guests' frames pass to the stack";
      problem.remedy = "start the guest, or correct its 'tap'";
      break;
    case PortState::kDown:
      problem.why = "the tap is administratively down";
      problem.remedy = fmt::format("ip link set {} up", tap.view());
      break;
    case PortState::kNoReader:
      problem.why = "no process has the tap open";
      problem.remedy = "start or resume the guest";
      break;
    case PortState::kNotATap:
      problem.why = "the interface is not a tap";
      problem.remedy = "name a tap: only taps are read by a VM";
      break;
    case PortState::kNoSlot:
      problem.why = fmt::format("all {} port slots are taken", XDPFWD_MAX_PORTS);
      problem.remedy = "remove guests whose taps are not needed";
      break;
    case PortState::kOpen:
    case PortState::kPending:
      break;
  }
  return problem;
}

// Hands out slots: a name that had one keeps it; else one that never had a name; else one whose name nobody
// wants any more, once no row can lead there.
class SlotAllocator {
 public:
  SlotAllocator(const Intent& intent, const State& observed) : observed_(observed) {
    for (const Port& port : observed.ports) {
      used_[port.slot] = true;
      by_name_.emplace(port.name.view(), &port);
    }
    // A program on an old table may still lead to any named slot.
    const bool old_programs = std::ranges::any_of(
        observed.members, [](const Member& m) { return m.program == ProgramState::kOutdated; });
    if (old_programs) return;
    for (const Port& port : observed.ports)
      if (port.ifindex == 0 && !std::ranges::binary_search(intent.taps, port.name))
        reusable_.push_back(port.slot);
  }

  std::optional<uint32_t> slot_of(const InterfaceName& name) const {
    const auto known = by_name_.find(name.view());
    if (known == by_name_.end()) return std::nullopt;
    return known->second->slot;
  }

  std::optional<uint32_t> take() {
    for (; next_ < used_.size(); ++next_)
      if (!used_[next_]) return next_++;
    if (!pruned_) prune();
    if (reusable_.empty()) return std::nullopt;
    const uint32_t slot = reusable_.back();
    reusable_.pop_back();
    return slot;
  }

 private:
  void prune() {
    pruned_ = true;
    std::vector<bool> led_to(XDPFWD_MAX_PORTS);
    for (const FdbRow& row : observed_.table.rows)
      if (row.slot < led_to.size()) led_to[row.slot] = true;
    std::erase_if(reusable_, [&](uint32_t slot) { return led_to[slot]; });
  }

  const State& observed_;
  std::unordered_map<std::string_view, const Port*> by_name_;
  std::vector<bool> used_ = std::vector<bool>(XDPFWD_MAX_PORTS);
  std::vector<uint32_t> reusable_;
  uint32_t next_ = 0;
  bool pruned_ = false;
};

// Where this NIC finds its tags, or why it cannot be a member now.
Result<Flavour> choose_flavour(const Settings& settings, const Link& link,
                               const std::vector<Refusal>& refusals) {
  const Refusal* hint_refused = find_refusal(refusals, link.ifindex, Flavour::kHint);
  const bool native = settings.xdp_mode == XdpMode::kNative;
  if (settings.vlan_tag == VlanTagSource::kHint) {
    if (!native)
      return fail("VLAN tags come from the descriptor in native XDP only", "set uplink.vlan_tag = \"frame\"");
    if (!link.vlan_hint)
      return fail("its driver does not give XDP the VLAN tag", "set uplink.vlan_tag = \"auto\" or \"frame\"");
    if (hint_refused) return std::unexpected(hint_refused->error);
    return Flavour::kHint;
  }
  if (settings.vlan_tag == VlanTagSource::kAuto && native && link.vlan_hint && !hint_refused)
    return Flavour::kHint;
  if (link.rxvlan && link.rxvlan_fixed)
    return fail("its driver strips VLAN tags and cannot be told not to (rxvlan is fixed on)",
                "use a NIC whose rxvlan can be turned off, or a kernel whose driver gives XDP the tag");
  if (const Refusal* refused = find_refusal(refusals, link.ifindex, Flavour::kFrame))
    return std::unexpected(refused->error);
  return Flavour::kFrame;
}

// Bridges (Open vSwitch's datapath among them) that frames of these devices reach by the stack, by ifindex.
std::vector<uint32_t> bridges_behind(const std::vector<InterfaceName>& devices, const State& observed) {
  std::vector<uint32_t> bridges;
  const auto add_master_of = [&](const Link& link) {
    const Link* master = link.master == 0 ? nullptr : find_link(observed, link.master);
    if (master && (master->kind_text == "bridge" || master->kind_text == "openvswitch"))
      bridges.push_back(master->ifindex);
  };
  for (const InterfaceName& device : devices) {
    const Link* link = find_link(observed, device);
    if (link && link->bond_member) link = find_link(observed, link->master);
    if (!link) continue;
    add_master_of(*link);
    for (const Link& upper : observed.links)
      if (upper.lower == link->ifindex) add_master_of(upper);
  }
  return bridges;
}

void compile_ports(const Intent& intent, const State& observed, Desired& desired,
                   std::vector<uint32_t>& slot_of_tap) {
  constexpr uint32_t kNone = UINT32_MAX;
  const LinksByName links = index_by_name(observed.links);
  const std::vector<uint32_t> bridges = bridges_behind(intent.settings.devices, observed);
  SlotAllocator slots(intent, observed);
  slot_of_tap.assign(intent.taps.size(), kNone);
  desired.tap_states.resize(intent.taps.size());
  for (size_t i = 0; i < intent.taps.size(); ++i) {
    const InterfaceName& tap = intent.taps[i];
    const auto found = links.find(tap.view());
    const Link* link = found == links.end() ? nullptr : found->second;
    PortState state = tap_state(link);
    if (state == PortState::kOpen) {
      auto slot = slots.slot_of(tap);
      if (!slot) slot = slots.take();
      if (slot) {
        slot_of_tap[i] = *slot;
        desired.state.ports.push_back({.slot = *slot,
                                       .name = tap,
                                       .ifindex = link->ifindex,
                                       .max_len = max_frame_len(link->mtu),
                                       // Only where the stack brings a passed frame to the same tap.
                                       .relearn_s = std::ranges::find(bridges, link->master) != bridges.end()
                                                        ? intent.settings.relearn_s
                                                        : 0,
                                       .in_devmap = true});
      } else {
        state = PortState::kNoSlot;
      }
    }
    desired.tap_states[i] = state;
    if (state != PortState::kOpen) desired.problems.push_back(problem_of_tap(tap, state));
  }
  std::ranges::sort(desired.state.ports, {}, &Port::slot);

  desired.state.table.rows.reserve(intent.rows.size());
  for (const IntentRow& row : intent.rows)
    if (slot_of_tap[row.tap] != kNone)
      desired.state.table.rows.push_back({.key = row.key, .slot = slot_of_tap[row.tap], .flags = row.flags});
}

bool contains(const std::vector<uint32_t>& ifindexes, uint32_t ifindex) {
  return std::ranges::find(ifindexes, ifindex) != ifindexes.end();
}

// Lets the members of each bond be attached in turn.
class AttachTurns {
 public:
  AttachTurns(const State& observed, const std::vector<uint32_t>& settling)
      : observed_(observed), settling_(settling) {}

  // The bond of this member if it has none to spare: attaching it now could leave the bond without a link.
  // Ask about members that carry nothing now before those that do.
  const Link* bond_that_needs(const Link& member) {
    const Link* bond = member.bond_member ? find_link(observed_, member.master) : nullptr;
    if (!bond) return nullptr;
    const bool carries = member.lower_up && member.bond_active;
    if (carries && (contains(in_turn_, bond->ifindex) || waits_for_another(member))) return bond;
    in_turn_.push_back(bond->ifindex);
    return nullptr;
  }

 private:
  bool waits_for_another(const Link& member) const {
    return std::ranges::any_of(observed_.links, [&](const Link& other) {
      return other.bond_member && other.master == member.master && other.ifindex != member.ifindex &&
             contains(settling_, other.ifindex) && !is_back(other);
    });
  }
  // A backup of an active-backup bond is as back as it will ever be.
  bool is_back(const Link& member) const {
    const Link* bond = find_link(observed_, member.master);
    return member.lower_up && (member.bond_active || (bond && bond->bond_keeps_backups));
  }

  const State& observed_;
  const std::vector<uint32_t>& settling_;
  std::vector<uint32_t> in_turn_;  // bonds of which a member is attached by this plan
};

void compile_members(const Intent& intent, const State& observed, const std::vector<Refusal>& refusals,
                     const Hold& hold, const std::vector<uint32_t>& settling, Desired& desired) {
  std::vector<bool> taken(XDPFWD_MAX_MEMBERS);
  for (const Member& member : observed.members) taken[member.slot] = true;
  AttachTurns turns(observed, settling);
  std::vector<const Link*> links = resolve_members(intent.settings.devices, observed, &desired.problems);
  // Those that carry nothing first.
  std::ranges::sort(links, {}, [](const Link* link) {
    return std::pair(link->lower_up && link->bond_active, link->ifindex);
  });
  for (const Link* link : links) {
    const std::string thing = fmt::format("member {}", link->name.view());
    if (std::ranges::find(hold.members, link->name) != hold.members.end()) {
      desired.problems.push_back(
          {.thing = thing, .why = "detached by an operator", .remedy = "xdpctl reload", .retry_ms = {}});
      continue;
    }
    const Member* present = find_member(observed, link->ifindex);
    if (present && present->program == ProgramState::kGone) present = nullptr;
    const auto flavour = choose_flavour(intent.settings, *link, refusals);
    if (!flavour) {
      desired.problems.push_back(
          {.thing = thing, .why = flavour.error().message, .remedy = flavour.error().remedy, .retry_ms = {}});
      continue;
    }
    Member member{.slot = 0,
                  .ifindex = link->ifindex,
                  .name = link->name,
                  .flavour = *flavour,
                  .mode = intent.settings.xdp_mode,
                  .program = ProgramState::kCurrent,
                  .active = !link->bond_member || link->bond_active,
                  .drop_reflected = intent.settings.drop_reflected};
    if (present) {
      member.slot = present->slot;
    } else {
      if (const Link* bond = turns.bond_that_needs(*link)) {
        desired.waits_for_bond = true;
        desired.problems.push_back(
            {.thing = thing,
             .why = fmt::format("{} needs it until the member that was attached before is back",
                                bond->name.view()),
             .remedy = {},
             .retry_ms = {},
             .waiting = true});
        continue;
      }
      const auto free = std::ranges::find(taken, false);
      if (free == taken.end()) {
        desired.problems.push_back({.thing = thing,
                                    .why = fmt::format("all {} member slots are taken", XDPFWD_MAX_MEMBERS),
                                    .remedy = "name fewer devices in uplink.devices",
                                    .retry_ms = {}});
        continue;
      }
      member.slot = static_cast<uint32_t>(free - taken.begin());
      *free = true;
    }
    desired.state.members.push_back(member);
    const NicChanges now = changes_of(observed, link->ifindex);
    const NicChanges changes{
        .ifindex = link->ifindex,
        .name = link->name,
        // Kept even when a bridge comes to want the same: letting go of it gains nothing.
        .promisc = intent.settings.promisc && (link->promiscuity == 0 || now.promisc),
        .rxvlan_off = *flavour == Flavour::kFrame && (link->rxvlan || now.rxvlan_off)};
    if (changes.promisc || changes.rxvlan_off) desired.state.nics.push_back(changes);
  }
  std::ranges::sort(desired.state.members, {}, &Member::slot);
  std::ranges::sort(desired.state.nics, {}, &NicChanges::ifindex);
}

}  // namespace

PortState tap_state(const Link* link) {
  if (!link) return PortState::kMissing;
  if (link->kind != LinkKind::kTap) return PortState::kNotATap;
  if (!link->admin_up) return PortState::kDown;
  if (!link->has_reader()) return PortState::kNoReader;
  return PortState::kOpen;
}

std::vector<const Link*> resolve_members(const std::vector<InterfaceName>& devices, const State& observed,
                                         std::vector<Problem>* problems) {
  std::vector<const Link*> members;
  const auto complain = [&](const InterfaceName& device, std::string why, std::string remedy) {
    if (problems)
      problems->push_back({.thing = fmt::format("uplink {}", device.view()),
                           .why = std::move(why),
                           .remedy = std::move(remedy),
                           .retry_ms = {}});
  };
  for (const InterfaceName& device : devices) {
    const Link* link = find_link(observed, device);
    if (!link) {
      complain(device, "there is no such interface", "create it, or correct uplink.devices");
    } else if (link->kind == LinkKind::kTap) {
      complain(device, "the interface is a tap: it leads to a guest, not to the wire",
               "correct uplink.devices");
    } else if (link->kind != LinkKind::kBond) {
      members.push_back(link);
    } else {
      const size_t before = members.size();
      for (const Link& candidate : observed.links)
        if (candidate.bond_member && candidate.master == link->ifindex) members.push_back(&candidate);
      if (members.size() == before)
        complain(device, "the bond has no members", fmt::format("ip link set NIC master {}", device.view()));
    }
  }
  std::ranges::sort(members, {}, &Link::ifindex);
  const auto duplicates = std::ranges::unique(members);
  members.erase(duplicates.begin(), duplicates.end());
  return members;
}

Desired compile(const Intent& intent, const State& observed, const std::vector<Refusal>& refusals,
                const Hold& hold, const std::vector<uint32_t>& settling) {
  Desired desired;
  if (hold.all) {
    desired.problems.push_back({.thing = "forwarding",
                                .why = "detached by an operator: every frame takes the stack",
                                .remedy = "xdpctl reload",
                                .retry_ms = {}});
    desired.tap_states.assign(intent.taps.size(), PortState::kPending);
    return desired;
  }
  desired.state.table.capacity = intent.settings.max_entries;
  desired.state.watching = true;
  std::vector<uint32_t> slot_of_tap;
  compile_ports(intent, observed, desired, slot_of_tap);
  compile_members(intent, observed, refusals, hold, settling, desired);
  return desired;
}

}  // namespace xdpfwd

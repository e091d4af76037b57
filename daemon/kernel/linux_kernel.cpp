// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/linux_kernel.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>

#include "kernel/libbpf_log.h"
#include "kernel/programs.h"

namespace xdpfwd {
namespace {

// The links whose XDP and ethtool facts matter: NICs, and what plays one.
bool may_be_member(const Link& link) {
  return link.bond_member || link.kind_text.empty() || link.kind_text == "veth";
}

// What undo notes are called.
constexpr std::string_view kPromisc = "promisc";
constexpr std::string_view kRxVlan = "rxvlan";

struct PinnedLink {
  UniqueFd fd;
  uint32_t ifindex = 0;  // 0 = the device went away
  uint32_t prog_id = 0;
};

Result<PinnedLink> open_link(const Pins& pins, uint32_t ifindex) {
  auto fd = Pins::get(pins.link_path(ifindex));
  if (!fd) return std::unexpected(fd.error());
  bpf_link_info info{};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd->get(), &info, &length) < 0)
    return fail_errno("cannot look at a link", errno);
  if (info.type != BPF_LINK_TYPE_XDP)
    return fail(fmt::format("{} is not a link of an XDP program", pins.link_path(ifindex)), "remove it",
                EINVAL);
  return PinnedLink{.fd = std::move(*fd), .ifindex = info.xdp.ifindex, .prog_id = info.prog_id};
}

uint32_t flags_of(const Member& member) {
  return (member.active ? uint32_t{XDPFWD_MEMBER_ACTIVE} : 0) |
         (member.drop_reflected ? uint32_t{XDPFWD_MEMBER_DROP_REFLECTED} : 0);
}

std::unexpected<Error> no_table() {
  return fail("there is no table", "create the table first", ENOENT);
}

}  // namespace

Result<std::unique_ptr<LinuxKernel>> LinuxKernel::open(const std::string& bpffs) {
  capture_libbpf_log();
  auto pins = Pins::open(bpffs);
  if (!pins) return std::unexpected(pins.error());
  auto route = NetlinkSocket::open(NETLINK_ROUTE);
  if (!route) return std::unexpected(route.error());
  auto ethtool = Ethtool::open();
  if (!ethtool) return std::unexpected(ethtool.error());
  auto netdev = NetdevFamily::open();
  if (!netdev) return std::unexpected(netdev.error());
  auto knobs = HostKnobs::open();
  if (!knobs) return std::unexpected(knobs.error());
  auto maps = adopt_maps(*pins);
  if (!maps) return std::unexpected(maps.error());
  std::unique_ptr<LinuxKernel> kernel(new LinuxKernel(
      std::move(*pins), std::move(*route), std::move(*ethtool), std::move(*netdev), std::move(*knobs)));
  kernel->maps_ = std::move(*maps);
  return kernel;
}

Result<std::vector<DecodedLink>> LinuxKernel::observe_links() {
  constexpr int kTries = 8;
  for (int attempt = 1;; ++attempt) {
    std::vector<DecodedLink> links;
    NetlinkRequest request(RTM_GETLINK, NLM_F_DUMP);
    request.family_header<ifinfomsg>()->ifi_family = AF_UNSPEC;
    mnl_attr_put_u32(request.header(), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    const auto answered = route_.transact(request, [&](const nlmsghdr& message) {
      if (auto decoded = decode_link(message)) links.push_back(std::move(*decoded));
    });
    if (!answered && answered.error().code == EINTR && attempt < kTries) continue;
    if (!answered) return fail_in("cannot list the interfaces", answered.error());
    for (DecodedLink& decoded : links) {
      if (!may_be_member(decoded.link)) continue;
      decoded.link.vlan_hint = netdev_.has_vlan_hint(decoded.link.ifindex);
      // A device that goes away meanwhile, or has no ethtool, strips nothing.
      if (const auto rxvlan = ethtool_.feature(decoded.link.name, kFeatureRxVlan)) {
        decoded.link.rxvlan = rxvlan->on;
        decoded.link.rxvlan_fixed = rxvlan->fixed;
      }
    }
    std::ranges::sort(links, {}, [](const DecodedLink& d) { return d.link.ifindex; });
    return links;
  }
}

// Somebody may have emptied the BPF filesystem under us: our maps then forward for nobody, and what we pin
// there would not be found by the next daemon.
Result<void> LinuxKernel::notice_lost_pins() {
  if (!pins_.in_place()) {
    maps_.reset();
    pins_.unlock();
    auto pins = Pins::open(pins_.root());
    if (!pins) return std::unexpected(pins.error());
    pins_ = std::move(*pins);
  } else {
    if (!maps_) return {};
    const auto ours = map_facts(maps_->fdb);
    if (!ours) return std::unexpected(ours.error());
    const auto pinned = Pins::get(pins_.map_path("fdb"));
    // Out of descriptors, say: that is no reason to make another table.
    if (!pinned && pinned.error().code != ENOENT) return std::unexpected(pinned.error());
    if (pinned)
      if (const auto facts = map_facts(*pinned); facts && facts->id == ours->id) return {};
    maps_.reset();
  }
  auto maps = adopt_maps(pins_);
  if (!maps) return std::unexpected(maps.error());
  maps_ = std::move(*maps);
  return {};
}

std::vector<NicChanges> LinuxKernel::observe_changes(const std::vector<Link>& links) const {
  std::vector<NicChanges> nics;
  for (const UndoNote& note : pins_.undo_notes()) {
    const auto link = std::ranges::find(links, note.ifindex, &Link::ifindex);
    if (link == links.end() || link->name.view() != note.name) continue;
    auto nic = std::ranges::find(nics, note.ifindex, &NicChanges::ifindex);
    if (nic == nics.end())
      nic = nics.insert(nics.end(), NicChanges{.ifindex = note.ifindex, .name = link->name});
    if (note.change == kPromisc) nic->promisc = true;
    if (note.change == kRxVlan) nic->rxvlan_off = true;
  }
  std::ranges::sort(nics, {}, &NicChanges::ifindex);
  return nics;
}

Result<std::vector<Member>> LinuxKernel::observe_members(const std::vector<DecodedLink>* links) {
  std::vector<xdpfwd_member> facts;
  uint32_t fdb_id = 0;
  if (maps_) {
    auto read = read_members(*maps_);
    if (!read) return std::unexpected(read.error());
    facts = std::move(*read);
    const auto fdb = map_facts(maps_->fdb);
    if (!fdb) return std::unexpected(fdb.error());
    fdb_id = fdb->id;
  }
  std::vector<bool> taken(XDPFWD_MAX_MEMBERS);
  std::vector<Member> members;
  std::vector<Member> strangers;  // linked, but without facts in our maps: of another ABI version
  for (const uint32_t ifindex : pins_.linked()) {
    const auto link = open_link(pins_, ifindex);
    if (!link) {
      if (link.error().code == ENOENT) continue;
      return std::unexpected(link.error());
    }
    Member member{.ifindex = ifindex, .program = ProgramState::kOutdated};
    const auto fact = std::ranges::find(facts, ifindex, &xdpfwd_member::ifindex);
    if (link->ifindex != ifindex) member.program = ProgramState::kGone;
    if (fact != facts.end() && fact->xdp_mode == XDPFWD_XDP_GENERIC) member.mode = XdpMode::kGeneric;
    if (links) {
      const auto decoded =
          std::ranges::find(*links, ifindex, [](const DecodedLink& d) { return d.link.ifindex; });
      if (decoded == links->end()) {
        member.program = ProgramState::kGone;
      } else {
        if (fact == facts.end()) member.name = decoded->link.name;
        member.mode = decoded->xdp == XdpAttached::kGeneric ? XdpMode::kGeneric : XdpMode::kNative;
      }
    }
    if (fact == facts.end()) {
      strangers.push_back(member);
      continue;
    }
    member.slot = static_cast<uint32_t>(fact - facts.begin());
    taken[member.slot] = true;
    if (auto name = InterfaceName::parse({fact->name, strnlen(fact->name, sizeof(fact->name))}))
      member.name = *name;
    member.flavour = fact->flavour == XDPFWD_FLAVOUR_HINT ? Flavour::kHint : Flavour::kFrame;
    member.active = (fact->flags & XDPFWD_MEMBER_ACTIVE) != 0;
    member.drop_reflected = (fact->flags & XDPFWD_MEMBER_DROP_REFLECTED) != 0;
    if (member.program != ProgramState::kGone && fact->prog_id == link->prog_id &&
        fact->build == uplink_build() && fact->fdb_id == fdb_id)
      member.program = ProgramState::kCurrent;
    members.push_back(member);
  }
  for (Member& stranger : strangers) {
    const auto free = std::ranges::find(taken, false);
    if (free == taken.end()) return fail("more links are pinned than there are member slots", {}, ENOSPC);
    *free = true;
    stranger.slot = static_cast<uint32_t>(free - taken.begin());
    members.push_back(stranger);
  }
  std::ranges::sort(members, {}, &Member::slot);
  return members;
}

Result<State> LinuxKernel::observe(Scope scope) {
  if (auto noticed = notice_lost_pins(); !noticed) return std::unexpected(noticed.error());
  State state;
  std::vector<DecodedLink> links;
  if (scope != Scope::kMembers) {
    auto seen = observe_links();
    if (!seen) return std::unexpected(seen.error());
    links = std::move(*seen);
  }
  auto members = observe_members(scope == Scope::kMembers ? nullptr : &links);
  if (!members) return std::unexpected(members.error());
  state.members = std::move(*members);
  state.links.reserve(links.size());
  for (DecodedLink& decoded : links) state.links.push_back(std::move(decoded.link));
  state.nics = observe_changes(state.links);
  if (!maps_) return state;
  state.table.capacity = maps_->rows->capacity();
  state.watching = is_watching(pins_);
  if (scope == Scope::kMembers) return state;
  auto ports = read_ports(*maps_);
  if (!ports) return std::unexpected(ports.error());
  state.ports = std::move(*ports);
  if (scope == Scope::kWithRows) state.table.rows = maps_->rows->rows();
  return state;
}

Outcome LinuxKernel::apply(const Action& action) {
  if (const auto* rows = std::get_if<SetRows>(&action)) {
    if (!maps_) return {.status = no_table()};
    // A program may still hold a row that was erased, and these may take its place.
    if (maps_->rows->awaits_grace())
      if (auto waited = take(AwaitGrace{}); !waited) return {.status = std::move(waited)};
    return set_rows(*maps_, rows->rows);
  }
  if (const auto* rows = std::get_if<DeleteRows>(&action)) {
    if (!maps_) return {.status = no_table()};
    return delete_rows(*maps_, rows->keys);
  }
  return {.status = std::visit(
              [&](const auto& a) -> Result<void> {
                if constexpr (requires { take(a); }) return take(a);
                return {};
              },
              action)};
}

Result<Sample> LinuxKernel::sample() {
  Sample sample;
  if (!maps_) return sample;
  const auto ports = read_ports(*maps_);
  if (!ports) return std::unexpected(ports.error());
  for (const Port& port : *ports) {
    const auto one = sample_port(*maps_, port.slot);
    if (!one) return std::unexpected(one.error());
    sample.ports.push_back(*one);
  }
  const auto members = read_members(*maps_);
  if (!members) return std::unexpected(members.error());
  for (uint32_t slot = 0; slot < members->size(); ++slot) {
    if ((*members)[slot].ifindex == 0) continue;
    const auto one = sample_member(*maps_, slot);
    if (!one) return std::unexpected(one.error());
    sample.members.push_back(*one);
  }
  return sample;
}

Result<void> LinuxKernel::take(const CreateTable& action) {
  if (action.capacity == 0) return fail("a table needs at least one row", {}, EINVAL);
  if (maps_) return replace_fdb(pins_, *maps_, action.capacity);
  auto maps = create_maps(pins_, action.capacity);
  if (!maps) return std::unexpected(maps.error());
  maps_ = std::move(*maps);
  return {};
}

Result<void> LinuxKernel::take(const ClosePort& action) {
  if (!maps_) return no_table();
  return close_port(*maps_, action.slot, action.ifindex);
}

Result<void> LinuxKernel::take(const OpenPort& action) {
  if (!maps_) return no_table();
  if (action.port.slot >= XDPFWD_MAX_PORTS)
    return fail(fmt::format("there is no port slot {}", action.port.slot), {}, EINVAL);
  if (auto there = check_identity(action.port.ifindex, action.port.name); !there) return there;
  return open_port(*maps_, action.port, action.reset_counters);
}

Result<void> LinuxKernel::take(const AwaitGrace& /*action*/) {
  if (auto waited = grace_.wait(); !waited) return waited;
  if (maps_) maps_->rows->grace_has_passed();
  return {};
}

Result<void> LinuxKernel::take(const SetRxVlan& action) {
  if (auto there = check_identity(action.ifindex, action.name); !there) return there;
  if (!action.on) {
    const auto now = ethtool_.feature(action.name, kFeatureRxVlan);
    if (!now) return std::unexpected(now.error());
    if (!now->on) return {};
    // Noted first: after a crash in between, turning it on again changes nothing.
    if (auto noted = note_undo(kRxVlan, action.ifindex, action.name); !noted) return noted;
  }
  auto set = ethtool_.set_feature(action.name, kFeatureRxVlan, action.on);
  if (set.has_value() == action.on) pins_.forget_undo(kRxVlan, action.ifindex);
  return set;
}

Result<void> LinuxKernel::take(const SetPromisc& action) {
  if (auto there = check_identity(action.ifindex, action.name); !there) return there;
  if (action.on)
    if (auto noted = note_undo(kPromisc, action.ifindex, action.name); !noted) return noted;
  NetlinkRequest request(RTM_NEWLINK, 0);
  auto* header = request.family_header<ifinfomsg>();
  header->ifi_family = AF_UNSPEC;
  header->ifi_index = static_cast<int>(action.ifindex);
  header->ifi_flags = action.on ? IFF_PROMISC : 0;
  header->ifi_change = IFF_PROMISC;
  if (const auto answered = route_.transact(request, [](const nlmsghdr&) {}); !answered)
    return fail_errno(fmt::format("cannot set {} {}promiscuous", action.name.view(), action.on ? "" : "not "),
                      answered.error().code, "set uplink.promisc = \"off\" to leave it alone");
  if (!action.on) pins_.forget_undo(kPromisc, action.ifindex);
  return {};
}

Result<void> LinuxKernel::take(const AttachMember& action) {
  if (!maps_) return no_table();
  const Member& member = action.member;
  if (member.slot >= XDPFWD_MAX_MEMBERS)
    return fail(fmt::format("there is no member slot {}", member.slot), {}, EINVAL);
  if (auto there = check_identity(member.ifindex, member.name); !there) return there;
  if (const auto present = open_link(pins_, member.ifindex); present && present->ifindex == member.ifindex)
    return fail(fmt::format("{} has a program already", member.name.view()), {}, EBUSY);
  const auto program = load_uplink(*maps_, member);
  if (!program) return std::unexpected(program.error());
  // Facts first: the program asks them with its first frame.
  if (auto reset = reset_member_counters(*maps_, member.slot); !reset) return reset;
  if (auto written = write_facts(member, program->id); !written) return written;
  const auto give_up = [&](const Error& error) -> Result<void> {
    (void)write_member(*maps_, member.slot, {});
    return std::unexpected(error);
  };
  const auto link = attach_uplink(*program, member);
  if (!link) return give_up(link.error());
  // Of a device that is gone.
  if (auto removed = Pins::remove(pins_.link_path(member.ifindex)); !removed) return give_up(removed.error());
  if (auto pinned = Pins::pin(link->get(), pins_.link_path(member.ifindex)); !pinned)
    return give_up(pinned.error());
  forget_old_versions();
  return {};
}

Result<void> LinuxKernel::take(const ReplaceProgram& action) {
  if (!maps_) return no_table();
  const Member& member = action.member;
  const auto link = open_link(pins_, member.ifindex);
  if (!link || link->ifindex != member.ifindex)
    return fail(fmt::format("{} has no program of ours", member.name.view()), {}, ENOENT);
  const auto program = load_uplink(*maps_, member);
  if (!program) return std::unexpected(program.error());
  // A program of another ABI version had its facts elsewhere; ours must find some with its first frame.
  // No prog_id yet: after a crash here the program counts as outdated and is replaced again.
  if (auto written = write_facts(member, 0); !written) return written;
  if (auto replaced = replace_uplink(link->fd, *program, member); !replaced) return replaced;
  if (auto written = write_facts(member, program->id); !written) return written;
  forget_old_versions();
  return {};
}

Result<void> LinuxKernel::take(const SetMember& action) {
  if (!maps_) return no_table();
  const Member& member = action.member;
  const auto facts = read_members(*maps_);
  if (!facts) return std::unexpected(facts.error());
  if (member.slot >= facts->size() || (*facts)[member.slot].ifindex != member.ifindex)
    return fail(fmt::format("{} has no program of ours", member.name.view()), {}, ENOENT);
  xdpfwd_member fact = (*facts)[member.slot];
  fact.flags = flags_of(member);
  std::memcpy(fact.name, member.name.c_str(), sizeof(fact.name));
  return write_member(*maps_, member.slot, fact);
}

Result<void> LinuxKernel::take(const DetachMember& action) {
  const auto link = open_link(pins_, action.ifindex);
  if (!link && link.error().code != ENOENT) return std::unexpected(link.error());
  if (link && bpf_link_detach(link->fd.get()) < 0)
    return fail_errno(fmt::format("cannot take the program off {}", action.name.view()), errno);
  if (auto removed = Pins::remove(pins_.link_path(action.ifindex)); !removed) return removed;
  if (!maps_) return {};
  const auto facts = read_members(*maps_);
  if (!facts) return std::unexpected(facts.error());
  if (action.slot < facts->size() && (*facts)[action.slot].ifindex == action.ifindex)
    return write_member(*maps_, action.slot, {});
  return {};
}

Result<void> LinuxKernel::take(const WatchLosses& /*action*/) {
  if (!maps_) return no_table();
  return watch_losses(pins_, *maps_);
}

Result<void> LinuxKernel::take(const RemoveTable& /*action*/) {
  if (!pins_.linked().empty()) return fail("members still use the table", "detach them first", EBUSY);
  maps_.reset();
  return pins_.remove_all();
}

Result<void> LinuxKernel::note_undo(std::string_view change, uint32_t ifindex,
                                    const InterfaceName& name) const {
  return pins_.note_undo({.change = std::string(change), .ifindex = ifindex, .name = name.text()});
}

Result<void> LinuxKernel::check_identity(uint32_t ifindex, const InterfaceName& name) const {
  // SIOCGIFNAME: one cheap look, right before the step.
  char now[IF_NAMESIZE] = {};
  if (!if_indextoname(ifindex, now) || name.view() != now)
    return fail(fmt::format("{} (ifindex {}) is not there", name.view(), ifindex), {}, ENODEV);
  return {};
}

Result<void> LinuxKernel::write_facts(const Member& member, uint32_t prog_id) const {
  const auto fdb = map_facts(maps_->fdb);
  if (!fdb) return std::unexpected(fdb.error());
  xdpfwd_member fact{};
  fact.ifindex = member.ifindex;
  fact.flags = flags_of(member);
  fact.prog_id = prog_id;
  fact.fdb_id = fdb->id;
  fact.build = uplink_build();
  fact.flavour = member.flavour == Flavour::kHint ? XDPFWD_FLAVOUR_HINT : XDPFWD_FLAVOUR_FRAME;
  fact.xdp_mode = member.mode == XdpMode::kGeneric ? XDPFWD_XDP_GENERIC : XDPFWD_XDP_NATIVE;
  std::memcpy(fact.name, member.name.c_str(), sizeof(fact.name));
  return write_member(*maps_, member.slot, fact);
}

void LinuxKernel::forget_old_versions() {
  const auto facts = read_members(*maps_);
  if (!facts) return;
  for (const uint32_t ifindex : pins_.linked()) {
    const auto link = open_link(pins_, ifindex);
    const auto fact = std::ranges::find(*facts, ifindex, &xdpfwd_member::ifindex);
    if (link && (fact == facts->end() || fact->prog_id != link->prog_id)) return;
  }
  pins_.remove_other_versions();
}

}  // namespace xdpfwd

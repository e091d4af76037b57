// SPDX-License-Identifier: BSD-2-Clause
// What is, or should be, in the kernel. The same values describe both: State(observed) is what the kernel
// said, State(desired) what the intent compiles to, and plan() is the difference.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/config.h"
#include "core/net.h"

namespace xdpfwd {

enum class LinkKind { kOther, kTap, kBond };

// A network interface as rtnetlink, ethtool and netdev genl describe it. Observed only.
struct Link {
  uint32_t ifindex = 0;
  InterfaceName name;
  LinkKind kind = LinkKind::kOther;
  std::string kind_text;  // "veth", "bridge", ...; empty for hardware
  uint32_t mtu = 0;       // bytes
  bool admin_up = false;
  bool lower_up = false;  // carrier; for a tap: a process has it open
  uint32_t master = 0;    // ifindex, 0 = none
  uint32_t lower = 0;     // of a VLAN device: the ifindex it is on; 0 = none
  // taps
  bool multi_queue = false;
  uint32_t queues = 0;              // attached queues, counted for multi-queue taps only
  bool bond_keeps_backups = false;  // a bond in active-backup mode
  // bond members
  bool bond_member = false;
  bool bond_active = false;  // the bond takes frames from it
  // NICs
  bool vlan_hint = false;     // the driver has bpf_xdp_metadata_rx_vlan_tag
  bool rxvlan = false;        // the NIC strips tags
  bool rxvlan_fixed = false;  // and cannot be told otherwise
  bool promisc = false;       // IFF_PROMISC is set, by us or an operator
  uint32_t promiscuity = 0;   // how many want it promiscuous: that flag, a bridge, a capture; 0 = it filters

  bool operator==(const Link&) const = default;

  // A frame redirected to a tap without a reader is lost, uncounted by the tap.
  [[nodiscard]] bool has_reader() const { return lower_up && (!multi_queue || queues > 0); }
};

// A slot of the ports table. Observed also when closed (ifindex 0): its name is remembered, so that a tap
// that comes back keeps its slot and its counters.
struct Port {
  uint32_t slot = 0;
  InterfaceName name;
  uint32_t ifindex = 0;    // 0 = closed
  uint32_t max_len = 0;    // bytes
  uint32_t relearn_s = 0;  // seconds between two frames of a sender that pass to the stack; 0 = none does
  bool in_devmap = false;  // false with an ifindex: the kernel removed the device

  [[nodiscard]] bool open() const { return ifindex != 0 && in_devmap; }
  bool operator==(const Port&) const = default;
};

struct FdbRow {
  FdbKey key;
  uint32_t slot = 0;
  uint32_t flags = 0;  // XDPFWD_FDB_*
  bool operator==(const FdbRow&) const = default;
};

struct Table {
  uint32_t capacity = 0;     // rows; 0 = there is no table
  std::vector<FdbRow> rows;  // sorted by key
  bool operator==(const Table&) const = default;
};

enum class Flavour { kFrame, kHint };

enum class ProgramState {
  kCurrent,   // our build, on the current table
  kOutdated,  // another build, another table, or one we do not know
  kGone,      // the NIC went away under its link
};

// An uplink NIC with our program on it.
struct Member {
  uint32_t slot = 0;
  uint32_t ifindex = 0;
  InterfaceName name;
  Flavour flavour = Flavour::kFrame;
  XdpMode mode = XdpMode::kNative;
  ProgramState program = ProgramState::kCurrent;
  bool active = false;  // the bond takes frames from it; otherwise everything known passes
  bool drop_reflected = false;
  bool operator==(const Member&) const = default;
};

// What we changed about a NIC for its guests' sake, and undo when it is no member any more.
struct NicChanges {
  uint32_t ifindex = 0;
  InterfaceName name;
  bool promisc = false;     // set promiscuous
  bool rxvlan_off = false;  // rxvlan turned off
  bool operator==(const NicChanges&) const = default;
};

// A kernel's refusal, remembered so that the next plan tries something else.
struct Refusal {
  uint32_t ifindex = 0;
  Flavour flavour = Flavour::kFrame;
  Error error;
  bool operator==(const Refusal&) const = default;
};

struct State {
  std::vector<Link> links;  // sorted by ifindex; observed only
  Table table;
  std::vector<Port> ports;       // sorted by slot
  std::vector<Member> members;   // sorted by slot
  std::vector<NicChanges> nics;  // sorted by ifindex; of NICs that are there
  bool watching = false;         // losses after the verdict are being counted
  bool operator==(const State&) const = default;
};

const Link* find_link(const State& state, uint32_t ifindex);
const Link* find_link(const State& state, const InterfaceName& name);
const Port* find_port(const State& state, uint32_t slot);
const Member* find_member(const State& state, uint32_t ifindex);
// All false for a NIC that we changed nothing about.
NicChanges changes_of(const State& state, uint32_t ifindex);

}  // namespace xdpfwd

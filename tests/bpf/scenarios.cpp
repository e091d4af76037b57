// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/scenarios.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <functional>

#include "pktgen/packet.h"

namespace xdpfwd::test {
namespace {

constexpr MacAddress kGuest = "52:54:00:00:00:01"_mac;    // access on 100, ad:100, 4094 and untagged
constexpr MacAddress kOther = "52:54:00:00:00:02"_mac;    // access on 200 only
constexpr MacAddress kTrunk = "52:54:00:00:00:03"_mac;    // keeps its tags, on 100, ad:100 and untagged
constexpr MacAddress kHigh = "52:54:00:00:00:04"_mac;     // the last slot
constexpr MacAddress kClosed = "52:54:00:00:00:05"_mac;   // its port has ifindex 0
constexpr MacAddress kGone = "52:54:00:00:00:06"_mac;     // its port's device is not in the devmap
constexpr MacAddress kStale = "52:54:00:00:00:07"_mac;    // its slot has never been a port
constexpr MacAddress kOutside = "52:54:00:00:00:08"_mac;  // its slot is behind the last
constexpr MacAddress kFar = "52:54:00:00:00:09"_mac;      // its slot is 2^32 - 1
constexpr MacAddress kTiny = "52:54:00:00:00:0a"_mac;     // a tap with an MTU of 60 - 18
constexpr MacAddress kPeer = "02:00:00:00:00:fe"_mac;     // somebody on the wire

constexpr uint32_t kGuestSlot = 3, kOtherSlot = 4, kTrunkSlot = 5, kClosedSlot = 6, kGoneSlot = 7,
                   kUnusedSlot = 9, kTinySlot = 10;
constexpr uint32_t kMaxLen = 1500 + 18;
constexpr uint32_t kAbsentIfindex = 0x00ffffff;

VlanTag tagged(uint16_t vid) {
  return VlanTag::from_abi(vid);
}
VlanTag ad_tagged(uint16_t vid) {
  return VlanTag::from_abi(static_cast<uint16_t>(XDPFWD_VLAN_8021AD | vid));
}

World standard_world(const std::vector<uint32_t>& devices) {
  World world;
  auto row = [&](MacAddress mac, VlanTag vlan, uint32_t slot, uint32_t flags = 0) {
    world.rows[FdbKey::make(mac, vlan)] = {slot, flags};
  };
  for (const VlanTag vlan : {VlanTag(), tagged(100), ad_tagged(100), tagged(4094)})
    row(kGuest, vlan, kGuestSlot);
  row(kOther, tagged(200), kOtherSlot);
  for (const VlanTag vlan : {VlanTag(), tagged(100), ad_tagged(100)}) {
    row(kTrunk, vlan, kTrunkSlot, XDPFWD_FDB_KEEP_TAG);
  }
  row(kHigh, tagged(100), XDPFWD_MAX_PORTS - 1);
  row(kClosed, tagged(100), kClosedSlot);
  row(kGone, tagged(100), kGoneSlot);
  row(kStale, tagged(100), kUnusedSlot);
  row(kOutside, tagged(100), XDPFWD_MAX_PORTS);
  row(kFar, tagged(100), UINT32_MAX);
  for (const VlanTag vlan : {VlanTag(), tagged(100)}) row(kTiny, vlan, kTinySlot);
  world.ports = {
      {kGuestSlot, {devices[0], kMaxLen}}, {kOtherSlot, {devices[1], kMaxLen}},
      {kTrunkSlot, {devices[0], kMaxLen}},  // two slots on one device: the counters tell them apart
      {kClosedSlot, {0, kMaxLen}},         {kGoneSlot, {kAbsentIfindex, kMaxLen}},
      {kTinySlot, {devices[1], 60}},       {XDPFWD_MAX_PORTS - 1, {devices[1], kMaxLen}},
  };
  world.devices.insert(devices.begin(), devices.end());
  return world;
}

// A frame's bytes; short ones are not padded.
using Bytes = std::vector<uint8_t>;

Bytes cut(Bytes bytes, size_t size) {
  bytes.resize(size);
  return bytes;
}

class Table {
 public:
  explicit Table(const std::vector<uint32_t>& devices) : world_(standard_world(devices)) {}

  // One case, begun. The caller says what comes out.
  Scenario& add(std::string name, Bytes frame) {
    Scenario& scenario = rows_.emplace_back();
    scenario.name = std::move(name);
    scenario.world = world_;
    scenario.frame = std::move(frame);
    return scenario;
  }
  Scenario& add(std::string name, const Packet& packet) { return add(std::move(name), packet.bytes()); }

  void forwards(std::string name, const Packet& in, uint32_t slot, const Packet& out) {
    forward(add(std::move(name), in), slot, out.bytes());
  }
  void hint_forwards(std::string name, DescriptorTag tag, const Packet& in, uint32_t slot,
                     const Packet& out) {
    Scenario& scenario = add(std::move(name), in);
    scenario.tag = tag;
    forward(scenario, slot, out.bytes());
  }
  Scenario& passes(std::string name, xdpfwd_reason reason, const Packet& in) {
    return passes(std::move(name), reason, in.bytes());
  }
  Scenario& passes(std::string name, xdpfwd_reason reason, Bytes in) {
    Scenario& scenario = add(std::move(name), std::move(in));
    scenario.verdict = XDP_PASS;
    scenario.reason = reason;
    return scenario;
  }
  Scenario& drops(std::string name, xdpfwd_reason reason, Bytes in) {
    Scenario& scenario = passes(std::move(name), reason, std::move(in));
    scenario.verdict = XDP_DROP;
    return scenario;
  }
  static void forward(Scenario& scenario, uint32_t slot, Bytes out) {
    scenario.verdict = XDP_REDIRECT;
    scenario.reason = XDPFWD_REASON_FORWARDED;
    scenario.slot = slot;
    scenario.delivered = std::move(out);
  }

  [[nodiscard]] std::vector<Scenario> take() { return std::move(rows_); }

 private:
  World world_;
  std::vector<Scenario> rows_;
};

const Packet kBody = Packet(Ipv4{}) / Udp{} / Payload::of_size(100);

Ethernet to(MacAddress dst, MacAddress src = kPeer) {
  return {.dst = dst, .src = src};
}

void forwarding(Table& table) {
  table.forwards("untagged", to(kGuest) / kBody, kGuestSlot, to(kGuest) / kBody);
  table.forwards("802.1Q, access: popped", to(kGuest) / Vlan{.vid = 100} / kBody, kGuestSlot,
                 to(kGuest) / kBody);
  table.forwards("802.1Q, access, with priority and DEI",
                 to(kGuest) / Vlan{.vid = 100, .pcp = 7, .dei = true} / kBody, kGuestSlot,
                 to(kGuest) / kBody);
  table.forwards("802.1ad, access: popped", to(kGuest) / Vlan{.vid = 100, .tpid = kEtherTypeQinq} / kBody,
                 kGuestSlot, to(kGuest) / kBody);
  table.forwards("highest VLAN ID", to(kGuest) / Vlan{.vid = 4094} / kBody, kGuestSlot, to(kGuest) / kBody);
  table.forwards("last slot", to(kHigh) / Vlan{.vid = 100} / kBody, XDPFWD_MAX_PORTS - 1, to(kHigh) / kBody);
  table.forwards("another guest", to(kOther) / Vlan{.vid = 200} / kBody, kOtherSlot, to(kOther) / kBody);
  table.forwards("IPv6", to(kGuest) / Vlan{.vid = 100} / Ipv6{} / Udp{} / Payload{1}, kGuestSlot,
                 to(kGuest) / Ipv6{} / Udp{} / Payload{1});
  table.forwards("LLC: a length instead of an EtherType",
                 Ethernet{.dst = kGuest, .src = kPeer, .ethertype = 46} / Payload::of_size(46), kGuestSlot,
                 Ethernet{.dst = kGuest, .src = kPeer, .ethertype = 46} / Payload::of_size(46));

  // A priority tag carries no VLAN.
  for (const uint16_t tpid : {kEtherTypeVlan, kEtherTypeQinq}) {
    table.forwards(fmt::format("priority tag {:#x}, access: popped", tpid),
                   to(kGuest) / Vlan{.vid = 0, .pcp = 5, .tpid = tpid} / kBody, kGuestSlot,
                   to(kGuest) / kBody);
    table.forwards(fmt::format("priority tag {:#x}, trunk: kept", tpid),
                   to(kTrunk) / Vlan{.vid = 0, .pcp = 5, .tpid = tpid} / kBody, kTrunkSlot,
                   to(kTrunk) / Vlan{.vid = 0, .pcp = 5, .tpid = tpid} / kBody);
  }

  // Trunks.
  table.forwards("trunk, untagged", to(kTrunk) / kBody, kTrunkSlot, to(kTrunk) / kBody);
  for (const uint16_t tpid : {kEtherTypeVlan, kEtherTypeQinq}) {
    const Packet frame = to(kTrunk) / Vlan{.vid = 100, .pcp = 6, .dei = true, .tpid = tpid} / kBody;
    table.forwards(fmt::format("trunk {:#x}: tag, priority and DEI kept", tpid), frame, kTrunkSlot, frame);
  }

  // QinQ: the outer tag counts, the inner one is the guest's.
  for (const uint16_t outer : {kEtherTypeQinq, kEtherTypeVlan}) {
    const Packet inner = Packet(Vlan{.vid = 200, .pcp = 3}) / kBody;
    table.forwards(fmt::format("QinQ {:#x}, access: outer popped, inner kept", outer),
                   to(kGuest) / Vlan{.vid = 100, .tpid = outer} / inner, kGuestSlot, to(kGuest) / inner);
    table.forwards(fmt::format("QinQ {:#x}, trunk: both kept", outer),
                   to(kTrunk) / Vlan{.vid = 100, .tpid = outer} / inner, kTrunkSlot,
                   to(kTrunk) / Vlan{.vid = 100, .tpid = outer} / inner);
    table.passes(fmt::format("QinQ {:#x}: the inner VLAN is not looked up", outer), XDPFWD_REASON_MISS,
                 to(kOther) / Vlan{.vid = 100, .tpid = outer} / Vlan{.vid = 200} / kBody);
  }
  table.forwards(
      "three tags: outer popped",
      to(kGuest) / Vlan{.vid = 100, .tpid = kEtherTypeQinq} / Vlan{.vid = 1} / Vlan{.vid = 2} / kBody,
      kGuestSlot, to(kGuest) / Vlan{.vid = 1} / Vlan{.vid = 2} / kBody);
  table.forwards("priority tag over a VLAN tag: only the outer one is looked at",
                 to(kGuest) / Vlan{.vid = 0} / Vlan{.vid = 200} / kBody, kGuestSlot,
                 to(kGuest) / Vlan{.vid = 200} / kBody);
  table.forwards("0x9100 is no tag to us",
                 Ethernet{.dst = kGuest, .src = kPeer, .ethertype = 0x9100} / Payload{0, 200, 8, 0},
                 kGuestSlot,
                 Ethernet{.dst = kGuest, .src = kPeer, .ethertype = 0x9100} / Payload{0, 200, 8, 0});

  // Nothing but a header.
  table.forwards("14 bytes", to(kGuest), kGuestSlot, to(kGuest));
  table.forwards("18 bytes with a tag: 14 delivered", to(kGuest) / Vlan{.vid = 100}, kGuestSlot, to(kGuest));
  table.forwards("18 bytes with a tag, trunk", to(kTrunk) / Vlan{.vid = 100}, kTrunkSlot,
                 to(kTrunk) / Vlan{.vid = 100});

  // A group source is invalid and matters to nobody.
  table.forwards("group source", to(kGuest, kBroadcastMac) / kBody, kGuestSlot,
                 to(kGuest, kBroadcastMac) / kBody);
  table.forwards("source is a guest of ours: known frames are not looked at for reflection",
                 to(kGuest, kOther) / Vlan{.vid = 100} / kBody, kGuestSlot, to(kGuest, kOther) / kBody);
}

void descriptor_tags(Table& table) {
  const DescriptorTag q100{.tpid = kEtherTypeVlan, .tci = 0xc064};   // priority 6, VLAN 100
  const DescriptorTag ad100{.tpid = kEtherTypeQinq, .tci = 0x7064};  // priority 3, DEI, VLAN 100
  table.hint_forwards("hint, access: nothing to pop", q100, to(kGuest) / kBody, kGuestSlot,
                      to(kGuest) / kBody);
  table.hint_forwards("hint 802.1ad, access", ad100, to(kGuest) / kBody, kGuestSlot, to(kGuest) / kBody);
  table.hint_forwards("hint, access, inner tag left alone", q100, to(kGuest) / Vlan{.vid = 200} / kBody,
                      kGuestSlot, to(kGuest) / Vlan{.vid = 200} / kBody);
  table.hint_forwards("hint, access, cut inner tag left alone", q100,
                      to(kGuest) / Vlan{.vid = 200, .ethertype = 0x0800}, kGuestSlot,
                      to(kGuest) / Vlan{.vid = 200, .ethertype = 0x0800});
  table.hint_forwards("hint, trunk: put back", q100, to(kTrunk) / kBody, kTrunkSlot,
                      to(kTrunk) / Vlan{.vid = 100, .pcp = 6} / kBody);
  table.hint_forwards("hint 802.1ad, trunk: put back", ad100, to(kTrunk) / kBody, kTrunkSlot,
                      to(kTrunk) / Vlan{.vid = 100, .pcp = 3, .dei = true, .tpid = kEtherTypeQinq} / kBody);
  table.hint_forwards("hint, trunk, over an inner tag: put back", ad100,
                      to(kTrunk) / Vlan{.vid = 200} / kBody, kTrunkSlot,
                      to(kTrunk) / Vlan{.vid = 100, .pcp = 3, .dei = true, .tpid = kEtherTypeQinq} /
                          Vlan{.vid = 200} / kBody);
  table.hint_forwards("hint, trunk, 14 bytes: put back", q100, to(kTrunk), kTrunkSlot,
                      Ethernet{.dst = kTrunk, .src = kPeer} / Vlan{.vid = 100, .pcp = 6});
  table.hint_forwards("hint with a priority tag, access", {.tpid = kEtherTypeVlan, .tci = 0xa000},
                      to(kGuest) / kBody, kGuestSlot, to(kGuest) / kBody);
  table.hint_forwards("hint with an 802.1ad priority tag, access", {.tpid = kEtherTypeQinq, .tci = 0xa000},
                      to(kGuest) / kBody, kGuestSlot, to(kGuest) / kBody);
  table.hint_forwards("hint with a priority tag, trunk: put back", {.tpid = kEtherTypeVlan, .tci = 0xa000},
                      to(kTrunk) / kBody, kTrunkSlot, to(kTrunk) / Vlan{.vid = 0, .pcp = 5} / kBody);
}

void passing(Table& table) {
  for (unsigned last = 0; last < 16; ++last) {
    const MacAddress dst = MacAddress::from_bits(kStpMac.bits() | last);
    table.passes(fmt::format("reserved multicast {:x}", last), XDPFWD_REASON_RESERVED,
                 to(dst) / Payload::of_size(46));
  }
  table.passes("LACP", XDPFWD_REASON_RESERVED,
               Ethernet{.dst = kLacpMac, .src = kPeer, .ethertype = kEtherTypeSlow} / Payload::of_size(110));
  table.passes("reserved multicast with a tag", XDPFWD_REASON_RESERVED,
               to(kLldpMac) / Vlan{.vid = 100} / kBody);
  table.passes("reserved multicast with a cut tag", XDPFWD_REASON_RESERVED,
               cut((to(kLldpMac) / Vlan{.vid = 100}).bytes(), 16));
  table.passes("reserved multicast from a guest of ours", XDPFWD_REASON_RESERVED,
               to(kLldpMac, kGuest) / kBody);
  table.passes("01:80:c2:00:00:10 is not reserved", XDPFWD_REASON_GROUP, to("01:80:c2:00:00:10"_mac) / kBody);
  table.passes("00:80:c2:00:00:00 is no group", XDPFWD_REASON_MISS, to("00:80:c2:00:00:00"_mac) / kBody);
  table.passes("01:80:c2:00:01:00 is not reserved", XDPFWD_REASON_GROUP, to("01:80:c2:00:01:00"_mac) / kBody);
  table.passes("03:80:c2:00:00:02 is not reserved", XDPFWD_REASON_GROUP, to("03:80:c2:00:00:02"_mac) / kBody);
  table.passes("hint: reserved multicast", XDPFWD_REASON_RESERVED, to(kLacpMac) / kBody).tag =
      DescriptorTag{.tci = 100};

  table.passes("broadcast", XDPFWD_REASON_GROUP, to(kBroadcastMac) / kBody);
  table.passes("broadcast in a VLAN", XDPFWD_REASON_GROUP, to(kBroadcastMac) / Vlan{.vid = 100} / kBody);
  table.passes("multicast", XDPFWD_REASON_GROUP, to(kMulticastMac) / Vlan{.vid = 100} / kBody);
  table.passes("IPv6 multicast", XDPFWD_REASON_GROUP, to("33:33:00:00:00:01"_mac) / Vlan{.vid = 100} / kBody);
  table.passes("hint: broadcast", XDPFWD_REASON_GROUP, to(kBroadcastMac) / kBody).tag =
      DescriptorTag{.tci = 100};
  {
    // Whatever a table says, a group address is never looked up as a destination.
    Scenario& scenario = table.passes("a row for a group address", XDPFWD_REASON_GROUP,
                                      to(kMulticastMac) / Vlan{.vid = 100} / kBody);
    scenario.world.rows[FdbKey::make(kMulticastMac, tagged(100))] = {kGuestSlot, 0};
  }

  table.passes("unknown MAC", XDPFWD_REASON_MISS, to(kUnknownMac) / Vlan{.vid = 100} / kBody);
  table.passes("known MAC, unknown VLAN", XDPFWD_REASON_MISS, to(kGuest) / Vlan{.vid = 101} / kBody);
  table.passes("known MAC, untagged although it is tagged", XDPFWD_REASON_MISS, to(kOther) / kBody);
  table.passes("802.1Q and 802.1ad of one VLAN ID are two VLANs", XDPFWD_REASON_MISS,
               to(kOther) / Vlan{.vid = 200, .tpid = kEtherTypeQinq} / kBody);
  table.passes("VLAN ID 4095", XDPFWD_REASON_MISS, to(kGuest) / Vlan{.vid = 4095} / kBody);
  table.passes("14 bytes, unknown", XDPFWD_REASON_MISS, to(kUnknownMac));
  for (unsigned byte = 0; byte < 6; ++byte) {
    const MacAddress near = MacAddress::from_bits(kGuest.bits() ^ uint64_t{0x20} << (8 * byte));
    table.passes(fmt::format("MAC differs in byte {}", 5 - byte), XDPFWD_REASON_MISS,
                 to(near) / Vlan{.vid = 100} / kBody);
  }
  table.passes("hint: unknown VLAN", XDPFWD_REASON_MISS, to(kGuest) / kBody).tag = DescriptorTag{.tci = 101};
  table.passes("hint: tag of another TPID", XDPFWD_REASON_MISS, to(kGuest) / kBody).tag =
      DescriptorTag{.tpid = 0x9100, .tci = 100};
  table.passes("hint: 802.1ad instead of 802.1Q", XDPFWD_REASON_MISS, to(kOther) / kBody).tag =
      DescriptorTag{.tpid = kEtherTypeQinq, .tci = 200};
  table
      .passes("hint: the tag in the frame is not looked up", XDPFWD_REASON_MISS,
              to(kOther) / Vlan{.vid = 200} / kBody)
      .tag = DescriptorTag{.tci = 100};
  table.hint_forwards("hint: priority tag of another TPID", {.tpid = 0x9100, .tci = 0x2000},
                      to(kGuest) / kBody, kGuestSlot, to(kGuest) / kBody);
}

void reflection(Table& table) {
  struct Case {
    const char* name;
    Bytes frame;
    std::optional<DescriptorTag> tag = {};
  };
  const Case cases[] = {
      {"broadcast, untagged", (to(kBroadcastMac, kGuest) / kBody).bytes()},
      {"broadcast in its VLAN", (to(kBroadcastMac, kGuest) / Vlan{.vid = 100} / kBody).bytes()},
      {"broadcast, 802.1ad",
       (to(kBroadcastMac, kGuest) / Vlan{.vid = 100, .tpid = kEtherTypeQinq} / kBody).bytes()},
      {"unknown unicast", (to(kUnknownMac, kGuest) / Vlan{.vid = 100} / kBody).bytes()},
      {"from a trunk", (to(kMulticastMac, kTrunk) / Vlan{.vid = 100} / kBody).bytes()},
      {"its port closed now", (to(kBroadcastMac, kClosed) / Vlan{.vid = 100} / kBody).bytes()},
      {"hint", (to(kBroadcastMac, kOther) / kBody).bytes(), DescriptorTag{.tci = 200}},
  };
  for (const Case& c : cases) {
    for (const uint32_t active : {uint32_t{0}, uint32_t{XDPFWD_MEMBER_ACTIVE}}) {
      const char* where = active != 0 ? "active" : "inactive";
      Scenario& pass = table.passes(fmt::format("reflected: {}, {} member", c.name, where),
                                    XDPFWD_REASON_REFLECTED, c.frame);
      pass.tag = c.tag;
      pass.world.member_flags = active;
      Scenario& drop = table.drops(fmt::format("reflected and unwanted: {}, {} member", c.name, where),
                                   XDPFWD_REASON_REFLECTED_DROP, c.frame);
      drop.tag = c.tag;
      drop.world.member_flags = active | XDPFWD_MEMBER_DROP_REFLECTED;
    }
  }
  table
      .passes("a guest's MAC in another VLAN is not reflected", XDPFWD_REASON_GROUP,
              to(kBroadcastMac, kGuest) / Vlan{.vid = 101} / kBody)
      .world.member_flags |= XDPFWD_MEMBER_DROP_REFLECTED;
  table
      .passes("a guest's MAC in another VLAN, miss", XDPFWD_REASON_MISS,
              to(kUnknownMac, kGuest) / Vlan{.vid = 101} / kBody)
      .world.member_flags |= XDPFWD_MEMBER_DROP_REFLECTED;
  table
      .passes("reserved multicast is never dropped as reflected", XDPFWD_REASON_RESERVED,
              to(kLacpMac, kGuest) / kBody)
      .world.member_flags |= XDPFWD_MEMBER_DROP_REFLECTED;
}

void refusals(Table& table) {
  const Packet known = to(kGuest) / Vlan{.vid = 100} / kBody;
  table.passes("inactive member", XDPFWD_REASON_INACTIVE, known).world.member_flags = 0;
  table.passes("inactive member that drops reflected frames", XDPFWD_REASON_INACTIVE, known)
      .world.member_flags = XDPFWD_MEMBER_DROP_REFLECTED;
  table.passes("inactive member, miss", XDPFWD_REASON_MISS, to(kUnknownMac) / kBody).world.member_flags = 0;
  table.passes("inactive member, group", XDPFWD_REASON_GROUP, to(kBroadcastMac) / kBody).world.member_flags =
      0;
  {
    Scenario& scenario =
        table.passes("inactive member, hint and trunk", XDPFWD_REASON_INACTIVE, to(kTrunk) / kBody);
    scenario.tag = DescriptorTag{.tci = 100};
    scenario.world.member_flags = 0;
  }

  table.passes("port closed", XDPFWD_REASON_PORT_CLOSED, to(kClosed) / Vlan{.vid = 100} / kBody);
  table.passes("device gone from the devmap: not a byte changed", XDPFWD_REASON_PORT_CLOSED,
               to(kGone) / Vlan{.vid = 100} / kBody);
  {
    Scenario& scenario = table.passes("device gone, hint and trunk: not a byte changed",
                                      XDPFWD_REASON_PORT_CLOSED, to(kTrunk) / kBody);
    scenario.tag = DescriptorTag{.tci = 100};
    scenario.world.devices.clear();
  }
  table.passes("slot that has never been a port", XDPFWD_REASON_PORT_CLOSED,
               to(kStale) / Vlan{.vid = 100} / kBody);
  table.passes("slot behind the last", XDPFWD_REASON_PORT_CLOSED, to(kOutside) / Vlan{.vid = 100} / kBody);
  table.passes("slot 2^32 - 1", XDPFWD_REASON_PORT_CLOSED, to(kFar) / Vlan{.vid = 100} / kBody);

  // The limit is on what the guest gets: here 60 bytes.
  auto sized = [](const Packet& head, size_t size) { return cut(head.bytes(), size); };
  const Packet access = to(kTiny) / Vlan{.vid = 100} / kBody;
  Table::forward(table.add("access: longest", sized(access, 64)), kTinySlot, sized(to(kTiny) / kBody, 60));
  table.passes("access: one byte too long", XDPFWD_REASON_TOO_LONG, sized(access, 65));
  Table::forward(table.add("untagged: longest", sized(to(kTiny) / kBody, 60)), kTinySlot,
                 sized(to(kTiny) / kBody, 60));
  table.passes("untagged: one byte too long", XDPFWD_REASON_TOO_LONG, sized(to(kTiny) / kBody, 61));
  table.passes("port closed and too long", XDPFWD_REASON_PORT_CLOSED,
               cut((to(kClosed) / Vlan{.vid = 100} / kBody).bytes(), 1600));
  table.passes("too long and device gone", XDPFWD_REASON_TOO_LONG,
               cut((to(kGone) / Vlan{.vid = 100} / kBody).bytes(), 1600));
  const Packet trunk = to(kTrunk) / Vlan{.vid = 100} / kBody;
  Table::forward(table.add("trunk: longest", sized(trunk, kMaxLen)), kTrunkSlot, sized(trunk, kMaxLen));
  table.passes("trunk: one byte too long", XDPFWD_REASON_TOO_LONG, sized(trunk, kMaxLen + 1));
  {
    // With the tag put back the frame grows.
    const DescriptorTag tag{.tpid = kEtherTypeVlan, .tci = 100};
    Scenario& fits = table.add("hint, trunk: longest", sized(to(kTrunk) / kBody, kMaxLen - 4));
    fits.tag = tag;
    Table::forward(fits, kTrunkSlot, sized(trunk, kMaxLen));
    table
        .passes("hint, trunk: one byte too long", XDPFWD_REASON_TOO_LONG,
                sized(to(kTrunk) / kBody, kMaxLen - 3))
        .tag = tag;
    Scenario& access_fits = table.add("hint, access: longest", sized(to(kGuest) / kBody, kMaxLen));
    access_fits.tag = tag;
    Table::forward(access_fits, kGuestSlot, sized(to(kGuest) / kBody, kMaxLen));
    table
        .passes("hint, access: one byte too long", XDPFWD_REASON_TOO_LONG,
                sized(to(kGuest) / kBody, kMaxLen + 1))
        .tag = tag;
  }
  {
    const DescriptorTag tag{.tpid = kEtherTypeVlan, .tci = 100};
    Scenario& room = table.add("hint, trunk: just room for the tag", to(kTrunk) / kBody);
    room.tag = tag;
    room.metadata = kRoomBeforeFrame - 4;
    Table::forward(room, kTrunkSlot, trunk.bytes());
    Scenario& none =
        table.passes("hint, trunk: no room for the tag", XDPFWD_REASON_NO_ROOM, to(kTrunk) / kBody);
    none.tag = tag;
    none.metadata = kRoomBeforeFrame;
    Scenario& unneeded = table.add("hint, access: no room needed", to(kGuest) / kBody);
    unneeded.tag = tag;
    unneeded.metadata = kRoomBeforeFrame;
    Table::forward(unneeded, kGuestSlot, (to(kGuest) / kBody).bytes());
    Scenario& popped = table.add("pop with metadata before the frame", known);
    popped.metadata = 32;
    Table::forward(popped, kGuestSlot, (to(kGuest) / kBody).bytes());
  }
}

void several_buffers(Table& table) {
  const Packet known = to(kGuest) / Vlan{.vid = 100} / kBody;
  auto split = [](Scenario& scenario, size_t at) { scenario.first_buffer = at; };
  // Where BPF_PROG_TEST_RUN splits by itself.
  constexpr size_t kPage = 4096 - 256 - 320;
  split(table.passes("jumbo", XDPFWD_REASON_FRAGS, cut(known.bytes(), 9000)), kPage);
  split(table.passes("jumbo, untagged", XDPFWD_REASON_FRAGS, cut((to(kGuest) / kBody).bytes(), 9000)), kPage);
  split(table.passes("jumbo, trunk", XDPFWD_REASON_FRAGS,
                     cut((to(kTrunk) / Vlan{.vid = 100} / kBody).bytes(), 9000)),
        kPage);
  split(table.passes("one byte in the second buffer", XDPFWD_REASON_FRAGS, cut(known.bytes(), kPage + 1)),
        kPage);
  split(table.passes("jumbo, miss", XDPFWD_REASON_MISS, cut((to(kUnknownMac) / kBody).bytes(), 9000)), kPage);
  split(table.passes("jumbo, group", XDPFWD_REASON_GROUP, cut((to(kBroadcastMac) / kBody).bytes(), 9000)),
        kPage);
  table.passes("one buffer, full: too long", XDPFWD_REASON_TOO_LONG, cut(known.bytes(), kPage));
  {
    Scenario& inactive = table.passes("jumbo, inactive", XDPFWD_REASON_INACTIVE, cut(known.bytes(), 9000));
    split(inactive, kPage);
    inactive.world.member_flags = 0;
    Scenario& hint = table.passes("jumbo, hint and trunk: not a byte changed", XDPFWD_REASON_FRAGS,
                                  cut((to(kTrunk) / kBody).bytes(), 9000));
    split(hint, kPage);
    hint.tag = DescriptorTag{.tci = 100};
    // A frame that would fit the tap, were it not split: drivers copy headers into a short first buffer.
    split(table.passes("short, but split", XDPFWD_REASON_FRAGS, known), 64);
    split(table.passes("split right behind the tag", XDPFWD_REASON_FRAGS, known), 18);
    split(table.passes("split inside the tag: no cut tag", XDPFWD_REASON_FRAGS, known), 16);
    split(table.passes("split inside the header: no runt", XDPFWD_REASON_FRAGS, known), 13);
    split(table.passes("split, reserved multicast", XDPFWD_REASON_RESERVED,
                       to(kLldpMac) / Vlan{.vid = 100} / kBody),
          15);
  }
}

void malformed(Table& table) {
  for (size_t size = 0; size < 14; ++size) {
    table.drops(fmt::format("runt of {} bytes", size), XDPFWD_REASON_RUNT,
                cut((to(kGuest) / kBody).bytes(), size));
  }
  table.drops("runt to reserved multicast", XDPFWD_REASON_RUNT, cut((to(kLacpMac) / kBody).bytes(), 13));
  for (const uint16_t tpid : {kEtherTypeVlan, kEtherTypeQinq}) {
    for (size_t size = 14; size < 18; ++size) {
      table.drops(fmt::format("tag {:#x} cut off at {} bytes", tpid, size), XDPFWD_REASON_TRUNCATED_TAG,
                  cut((to(kGuest) / Vlan{.vid = 100, .tpid = tpid} / kBody).bytes(), size));
    }
  }
  table.drops("broadcast with a cut tag", XDPFWD_REASON_TRUNCATED_TAG,
              cut((to(kBroadcastMac) / Vlan{.vid = 100}).bytes(), 17));
  table.drops("unknown, with a cut tag", XDPFWD_REASON_TRUNCATED_TAG,
              cut((to(kUnknownMac) / Vlan{.vid = 100}).bytes(), 15));
}

std::vector<Scenario> build(const std::vector<uint32_t>& devices) {
  Table table(devices);
  forwarding(table);
  descriptor_tags(table);
  passing(table);
  reflection(table);
  refusals(table);
  several_buffers(table);
  malformed(table);
  return table.take();
}

}  // namespace

const std::vector<Scenario>& scenarios(const std::vector<uint32_t>& devices) {
  static std::map<std::vector<uint32_t>, std::vector<Scenario>> built;
  auto found = built.find(devices);
  if (found == built.end()) found = built.emplace(devices, build(devices)).first;
  return found->second;
}

const char* reason_name(uint32_t reason) {
  switch (reason) {
#define X(name, text, verdict, help) \
  case XDPFWD_REASON_##name:         \
    return #text;
    XDPFWD_REASONS(X)
#undef X
    default:
      return "?";
  }
}

}  // namespace xdpfwd::test

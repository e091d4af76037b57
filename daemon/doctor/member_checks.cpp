// SPDX-License-Identifier: BSD-2-Clause
// The members: XDP, offloads, queues, steering, filters, and their bond.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "doctor/checks.h"

namespace xdpfwd {
namespace {

// NETDEV_XDP_ACT_* of the kernel's uapi <linux/netdev.h>.
constexpr uint64_t kXdpBasic = 1;
constexpr uint64_t kXdpRedirect = 2;
constexpr uint64_t kXdpTarget = 4;
constexpr uint64_t kXdpFrags = 32;
// The largest MTU whose frames are in one buffer with every driver (mlx5: 3498).
constexpr uint32_t kOneBufferMtu = 3498;

class MemberChecks {
 public:
  MemberChecks(const Examined& examined, const Link& link, Findings& findings)
      : examined_(examined),
        facts_(examined.facts),
        link_(link),
        name_(link.name.text()),
        device_(find_device(facts_, link.ifindex)),
        nic_(find_nic(facts_.tuning, link.ifindex)),
        findings_(findings) {}

  void run() {
    check_up();
    if (device_) {
      check_xdp();
      check_xdp_target();
      check_offloads();
      check_tags();
    }
    check_filters();
    check_mtu();
    if (nic_) check_queues();
  }

 private:
  [[nodiscard]] SwitchFact switch_of(const char* name) const {
    const auto at = device_->switches.find(name);
    return at == device_->switches.end() ? SwitchFact{} : at->second;
  }
  [[nodiscard]] std::string driver() const {
    return nic_ && !nic_->driver.empty() ? nic_->driver : "its driver";
  }

  void check_up() {
    if (!link_.admin_up)
      findings_.fail("link", name_, "is down", fmt::format("ip link set {} up", name_));
    else if (!link_.lower_up)
      findings_.warn("link", name_, "has no carrier", fmt::format("ethtool {}: is the cable there?", name_));
    else
      findings_.pass("link", name_,
                     nic_ && nic_->speed_mbps != 0 ? fmt::format("is up, {} Mb/s", nic_->speed_mbps)
                                                   : std::string("is up"));
  }

  void check_xdp() {
    const bool generic_wanted = examined_.settings.xdp_mode == XdpMode::kGeneric;
    switch (device_->xdp) {
      case XdpFact::kNative:
        if (device_->xdp_ours)
          findings_.pass("xdp", name_, "has our program, in native mode");
        else
          findings_.fail("xdp", name_, "has another XDP program",
                         fmt::format("ip link set dev {0} xdp off (or xdp-loader unload {0} --all)", name_));
        break;
      case XdpFact::kGeneric:
        if (device_->xdp_ours && generic_wanted)
          findings_.warn("xdp", name_, "has our program in generic mode, as configured: far slower",
                         "uplink.xdp_mode = \"native\"");
        else if (device_->xdp_ours)
          findings_.fail("xdp", name_, "has our program in generic mode, and native is configured",
                         "xdpctl reload");
        else
          findings_.fail("xdp", name_,
                         "has another XDP program, in generic mode: two modes exclude each other",
                         fmt::format("ip link set dev {} xdpgeneric off", name_));
        break;
      case XdpFact::kOther:
        findings_.fail("xdp", name_, "has XDP programs of several modes, or in its hardware",
                       fmt::format("ip link set dev {} xdp off", name_));
        break;
      case XdpFact::kNone:
        check_xdp_is_possible(generic_wanted);
        break;
    }
    for (const std::string& upper : device_->uppers)
      for (const Link& link : facts_.links)
        if (const DeviceFacts* facts =
                link.name.view() == upper ? find_device(facts_, link.ifindex) : nullptr;
            facts && facts->xdp != XdpFact::kNone)
          findings_.fail(
              "upper-device", name_,
              fmt::format("{}, which is on top of it, has an XDP program: none can be attached below", upper),
              fmt::format("ip link set dev {} xdp off", upper));
  }

  void check_xdp_is_possible(bool generic_wanted) {
    if (!device_->xdp_features) {
      findings_.warn("xdp", name_, "this kernel does not tell what the driver can do (before 6.3)",
                     "xdpctl status says whether the program could be attached");
      return;
    }
    const uint64_t features = *device_->xdp_features;
    if ((features & (kXdpBasic | kXdpRedirect)) == (kXdpBasic | kXdpRedirect)) {
      findings_.pass("xdp", name_,
                     fmt::format("{} can redirect in native mode{}", driver(),
                                 features & kXdpFrags ? ", frames in several buffers too" : ""));
      return;
    }
    // mlx5 tells nothing at all while LRO or HW-GRO is on.
    const bool merging = switch_of("lro").on || switch_of("rx-gro-hw").on;
    if (generic_wanted)
      findings_.warn("xdp", name_,
                     fmt::format("{} has no native XDP; generic mode is configured, far slower", driver()),
                     "a NIC with native XDP");
    else
      findings_.fail(
          "xdp", name_, fmt::format("{} has no native XDP with redirection in its present set-up", driver()),
          merging
              ? fmt::format("ethtool -K {} lro off rx-gro-hw off", name_)
              : std::string("another NIC or driver; uplink.xdp_mode = \"generic\" works everywhere, slowly"));
  }

  // veth_xdp_xmit() hands frames to the peer's NAPI, which it has with a program of its own or with GRO.
  void check_xdp_target() {
    if (link_.kind_text != "veth" || !device_->xdp_features) return;
    if (*device_->xdp_features & kXdpTarget)
      findings_.pass("xdp-target", name_, "takes redirected frames");
    else
      findings_.warn(
          "xdp-target", name_,
          "a veth whose peer has neither an XDP program nor GRO: what other programs redirect to it "
          "is dropped",
          "ethtool -K PEER gro on, where its peer is");
  }

  void check_offloads() {
    std::vector<std::string> on;
    for (const char* name : {"lro", "rx-gro-hw"})
      if (switch_of(name).on) on.emplace_back(name);
    if (on.empty()) {
      findings_.pass("lro", name_, "LRO and hardware GRO are off");
      return;
    }
    std::string remedy = fmt::format("ethtool -K {}", name_);
    for (const std::string& name : on) remedy += fmt::format(" {} off", name);
    const std::string what =
        fmt::format("{} {} on: drivers refuse XDP with it, and merged frames do not fit taps",
                    fmt::join(on, " and "), on.size() == 1 ? "is" : "are");
    if (device_->xdp == XdpFact::kNone)
      findings_.fail("lro", name_, what, remedy);
    else
      findings_.warn("lro", name_, what, remedy);
  }

  void check_tags() {
    const SwitchFact rxvlan = switch_of("rxvlan");
    if (!rxvlan.on) {
      findings_.pass("rxvlan", name_, "tags are in the frames, where the program sees them");
    } else if (link_.vlan_hint && examined_.settings.vlan_tag != VlanTagSource::kFrame) {
      findings_.pass("rxvlan", name_, "is on, and the driver gives the program the tag that it stripped");
    } else if (device_->xdp_ours) {
      findings_.fail(
          "rxvlan", name_,
          "is on, so the program does not see VLAN tags: somebody turned it on since it was attached",
          fmt::format("ethtool -K {} rxvlan off", name_));
    } else if (rxvlan.fixed) {
      findings_.fail("rxvlan", name_, "is on and cannot be turned off: the program cannot see VLAN tags",
                     "another NIC, or a kernel whose driver gives the tag (since 6.8)");
    } else {
      findings_.warn("rxvlan", name_, "is on; xdpfwd turns it off when it attaches",
                     fmt::format("ethtool -K {} rxvlan off", name_));
    }
  }

  void check_filters() {
    if (link_.promiscuity > 0 || link_.promisc) {
      findings_.pass("filters", name_, "is promiscuous: it filters neither addresses nor VLANs");
      return;
    }
    if (examined_.guests.empty()) return;
    const std::string what =
        "filters: frames to guests' addresses are dropped by the NIC, unless it is told them";
    const std::string remedy = fmt::format("uplink.promisc = \"auto\", or ip link set {} promisc on", name_);
    if (!examined_.settings.promisc)
      // Wanted so, where rules or filters let the guests' frames in: whether they do, nobody tells.
      findings_.warn("filters", name_, what + ", as by steering rules; uplink.promisc is \"off\"", remedy);
    else if (device_ && device_->xdp_ours)
      findings_.fail("filters", name_, what, remedy);
    else
      findings_.warn("filters", name_, what + "; xdpfwd sets it promiscuous when it attaches", remedy);
    if (device_ && switch_of("rx-vlan-filter").on)
      findings_.warn("vlan-filter", name_,
                     "is on: frames of VLANs that no device is for are dropped by the NIC",
                     fmt::format("ethtool -K {} rx-vlan-filter off", name_));
  }

  void check_mtu() {
    if (link_.mtu > kOneBufferMtu)
      findings_.warn(
          "mtu", name_,
          fmt::format("{}: frames beyond {} bytes may come in several buffers, which no tap takes: they "
                      "pass to the stack",
                      link_.mtu, kOneBufferMtu),
          fmt::format("ip link set {} mtu 1500, where guests need no more", name_));
    else
      findings_.pass("mtu", name_, fmt::format("{}: each frame is in one buffer", link_.mtu));
  }

  void check_queues() {
    const auto channels = static_cast<uint32_t>(nic_->queues.size());
    const auto cpus = static_cast<uint32_t>(facts_.tuning.cpus.size());
    if (nic_->driver == "ena" && nic_->max_channels != 0 && 2 * channels > nic_->max_channels && device_ &&
        device_->xdp == XdpFact::kNone) {
      findings_.fail("channels", name_,
                     fmt::format("{} of {}: ena wants as many again for XDP", channels, nic_->max_channels),
                     fmt::format("ethtool -L {} combined {}", name_, nic_->max_channels / 2));
    } else if (channels > cpus && cpus != 0) {
      findings_.warn("channels", name_,
                     fmt::format("{}, and {} CPUs: several interrupts share one", channels, cpus),
                     fmt::format("ethtool -L {} combined {}", name_, cpus));
    } else if (channels == 1 && cpus > 1 && nic_->max_channels > 1) {
      findings_.warn("channels", name_,
                     fmt::format("one, of {} possible: one CPU receives everything", nic_->max_channels),
                     fmt::format("ethtool -L {} combined {}", name_, std::min(cpus, nic_->max_channels)));
    } else if (channels < cpus && (nic_->driver == "mlx5_core" || nic_->driver == "i40e")) {
      findings_.warn(
          "channels", name_,
          fmt::format("{}, and {} CPUs: another program that redirects to it from a CPU without a channel "
                      "loses its frames ({})",
                      channels, cpus, nic_->driver),
          fmt::format("ethtool -L {} combined {}; or keep vhost threads on CPUs with a channel", name_,
                      cpus));
    } else {
      findings_.pass("channels", name_, fmt::format("{}, for {} CPUs", channels, cpus));
    }
    check_steering();
  }

  void check_steering() {
    std::set<MacAddress> macs;
    for (const Guest& guest : examined_.guests) macs.insert(guest.macs.begin(), guest.macs.end());
    if (!examined_.settings.tuning.steering || nic_->queues.size() < 2) return;
    if (nic_->rule_capacity == 0)
      findings_.warn(
          "ntuple", name_,
          fmt::format("{} steers by no rules of MAC addresses: a guest's frames are spread over queues by "
                      "RSS, and several CPUs contend for its tap",
                      driver()),
          "tuning.steering = \"off\" says that this is known; or a NIC with such rules");
    else if (nic_->rule_capacity < macs.size())
      findings_.warn("ntuple", name_,
                     fmt::format("room for {} rules, and guests have {} addresses: the rest is left to RSS",
                                 nic_->rule_capacity, macs.size()),
                     "fewer addresses on this host");
    else
      check_ntuple_switch(macs.size());
  }

  // With mlx5 the switch is for rules of the kernel's own, and ours need it not.
  void check_ntuple_switch(size_t addresses) {
    const SwitchFact ntuple = device_ ? switch_of("ntuple") : SwitchFact{};
    const bool needed = nic_->driver == "ixgbe" || nic_->driver == "i40e" || nic_->driver == "ice";
    if (needed && !ntuple.on && !ntuple.fixed)
      findings_.warn("ntuple", name_,
                     fmt::format("is turned off, and {} refuses steering rules without it", nic_->driver),
                     fmt::format("ethtool -K {} ntuple on", name_));
    else
      findings_.pass(
          "ntuple", name_,
          fmt::format("room for {} rules, guests have {} addresses", nic_->rule_capacity, addresses));
  }

  const Examined& examined_;
  const HostFacts& facts_;
  const Link& link_;
  std::string name_;
  const DeviceFacts* device_;
  const Nic* nic_;
  Findings& findings_;
};

}  // namespace

void check_members(const Examined& examined, Findings& findings) {
  const std::vector<const Link*> members = members_of(examined);
  if (members.empty())
    findings.fail("members", "uplink", "none of uplink.devices is there: nothing can be forwarded",
                  "ip link; xdpctl explain uplink.devices");
  for (const InterfaceName& device : examined.settings.devices)
    if (std::ranges::find(examined.facts.links, device, &Link::name) == examined.facts.links.end())
      findings.fail("members", device.text(), "is not there", "ip link; xdpctl explain uplink.devices");
  for (const Link* link : members) MemberChecks(examined, *link, findings).run();
  const HostFacts& facts = examined.facts;
  if (members.empty()) return;
  const TuningSettings& tuning = examined.settings.tuning;
  if (!facts.tuning.irqbalance && facts.irqbalance_process)
    findings.warn("irqbalance", "host",
                  "runs and cannot be asked: it moves the NICs' interrupts, and tuning cannot tell it not to",
                  "systemctl restart irqbalance (1.3 or later), so that it makes its socket; or systemctl "
                  "disable --now irqbalance");
  else if (!facts.tuning.irqbalance)
    findings.pass("irqbalance", "host", "does not run");
  else if (tuning.apply == TuningApply::kOff || !tuning.ban_irqbalance)
    findings.warn("irqbalance", "host", "runs, and moves the NICs' interrupts from CPU to CPU",
                  "tuning.irqbalance = \"ban\" with tuning.apply; or systemctl disable --now irqbalance");
  else
    findings.pass("irqbalance", "host", "runs; tuning tells it to leave the NICs' interrupts alone");
}

void check_bonds(const Examined& examined, Findings& findings) {
  for (const DeviceFacts& device : examined.facts.devices) {
    if (device.bond_mode.empty()) continue;
    const auto link = std::ranges::find(examined.facts.links, device.ifindex, &Link::ifindex);
    if (link == examined.facts.links.end()) continue;
    const std::string name = link->name.text();
    // Our programs are on the members, whatever the mode; the rest is what a mode does with frames.
    if (device.bond_mode == "balance-tlb" || device.bond_mode == "balance-alb" ||
        device.bond_mode == "broadcast")
      findings.warn(
          "bond-mode", name,
          fmt::format("{}: the kernel has no native XDP on such a bond, and peers may get frames twice",
                      device.bond_mode),
          fmt::format("ip link set {} type bond mode 802.3ad (while it is down)", name));
    else
      findings.pass("bond-mode", name, device.bond_mode);
    if (device.bond_hash_policy == "vlan+srcmac")
      findings.warn("bond-hash", name, "vlan+srcmac: the kernel refuses XDP on a bond with it",
                    fmt::format("ip link set {} type bond xmit_hash_policy layer3+4", name));
    else if (device.bond_hash_policy == "layer2" && device.bond_mode == "802.3ad")
      findings.warn("bond-hash", name,
                    "layer2: all that guests send through one gateway leaves by one member",
                    fmt::format("ip link set {} type bond xmit_hash_policy layer3+4", name));
    else if (!device.bond_hash_policy.empty())
      findings.pass("bond-hash", name, device.bond_hash_policy);
    if (device.xdp != XdpFact::kNone && !device.xdp_ours)
      findings.fail("bond-xdp", name, "has an XDP program: none can be attached to its members",
                    fmt::format("ip link set dev {} xdp off", name));
  }
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The taps of guests: there, read, as large as the members' frames, and set up so that none is lost.
#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <set>

#include "doctor/checks.h"

namespace xdpfwd {
namespace {

constexpr uint64_t kXdpTarget = 4;  // NETDEV_XDP_ACT_NDO_XMIT
// What a tap starts with.
constexpr uint32_t kUsualRing = 1000;

class TapChecks {
 public:
  TapChecks(const Examined& examined, const Link& link, Findings& findings)
      : examined_(examined),
        facts_(examined.facts),
        link_(link),
        name_(link.name.text()),
        findings_(findings) {}

  void run() {
    if (link_.kind != LinkKind::kTap) {
      findings_.fail("tap", name_, "is no tap", "give the guest a tap: ip tuntap add NAME mode tap");
      return;
    }
    check_open();
    check_mtu();
    if (const DeviceFacts* device = find_device(facts_, link_.ifindex)) {
      if (device->xdp_features && !(*device->xdp_features & kXdpTarget))
        findings_.fail("tap-xdp", name_, "takes no redirected frames",
                       "a tap, not a tun: ip tuntap add NAME mode tap");
      check_offloads(*device);
      check_frames(*device);
      check_ring(*device);
    }
    check_readers();
    check_qdisc();
    check_rps();
  }

 private:
  void check_open() {
    if (!link_.admin_up)
      findings_.fail("tap", name_, "is down: frames to it pass to the stack",
                     fmt::format("ip link set {} up", name_));
    else if (!link_.has_reader())
      findings_.warn("tap", name_, "nobody reads it: its guest does not run", "start or resume the guest");
    else
      findings_.pass(
          "tap", name_,
          link_.multi_queue ? fmt::format("is open, {} queues", link_.queues) : std::string("is open"));
    const auto cpus = static_cast<uint32_t>(facts_.tuning.cpus.size());
    if (link_.multi_queue && link_.queues > cpus && cpus != 0)
      findings_.warn(
          "tap-queues", name_,
          fmt::format("{} queues, and {} CPUs: the CPU that receives chooses the queue, so some stay idle",
                      link_.queues, cpus),
          fmt::format("give the guest {} queues", cpus));
  }

  void check_mtu() {
    uint32_t largest = 0;
    for (const Link* member : members_of(examined_)) largest = std::max(largest, member->mtu);
    if (largest > link_.mtu)
      findings_.warn(
          "tap-mtu", name_,
          fmt::format("{}, and the members have {}: longer frames are not forwarded", link_.mtu, largest),
          fmt::format("ip link set {} mtu {}", name_, largest));
    else
      findings_.pass("tap-mtu", name_, fmt::format("{}, as large as the members' frames", link_.mtu));
  }

  // What a guest offloads to the host is undone by the host's stack; other programs on the tap see it half
  // done.
  void check_offloads(const DeviceFacts& device) {
    if (device.xdp == XdpFact::kNone) return;
    const auto on = [&](const char* name) {
      const auto at = device.switches.find(name);
      return at != device.switches.end() && at->second.on;
    };
    if (on("tx-checksum") || on("tso"))
      findings_.warn(
          "tap-offloads", name_,
          "an XDP program is on it, and its guest leaves checksums or segmentation to the host: what that "
          "program redirects has bad checksums",
          "libvirt: <host csum='off' tso4='off' tso6='off' ufo='off' ecn='off'/> in the interface's "
          "<driver>");
  }

  // Who opens it says so (TUNSETIFF), whatever it was made with.
  void check_frames(const DeviceFacts& device) {
    if (device.packet_info && link_.has_reader())
      findings_.fail(
          "tap-frames", name_,
          "was opened without IFF_NO_PI: frames from the stack begin with 4 bytes more than redirected "
          "ones, and no reader can tell them apart",
          "give the guest a reader that opens it with IFF_NO_PI, as QEMU does: ip tuntap add NAME mode "
          "tap, without pi");
  }

  void check_ring(const DeviceFacts& device) {
    if (device.tx_queue_len < kUsualRing)
      findings_.warn("tap-ring", name_,
                     fmt::format("holds {} frames: what comes while its guest is not running is lost sooner",
                                 device.tx_queue_len),
                     fmt::format("ip link set {} txqueuelen {}", name_, kUsualRing));
    else
      findings_.pass("tap-ring", name_, fmt::format("holds {} frames", device.tx_queue_len));
  }

  void check_rps() {
    if (std::ranges::any_of(facts_.tuning.settings, [&](const SettingValue& value) {
          return value.setting.ifindex == link_.ifindex && value.setting.knob == Knob::kRps &&
                 !value.value.empty();
        }))
      findings_.warn(
          "tap-rps", name_, "what its guest sends is handed to other CPUs (RPS), one interrupt a time",
          fmt::format("for q in /sys/class/net/{}/queues/rx-*; do echo 0 > $q/rps_cpus; done", name_));
  }

  void check_readers() {
    for (const TapReader& reader : facts_.readers) {
      if (reader.ifindex != link_.ifindex) continue;
      const std::string who = fmt::format("{} (pid {})", reader.command, reader.pid);
      if (!reader.send_buffer)
        findings_.warn("tap-sndbuf", name_,
                       fmt::format("{} has it open, and its sndbuf cannot be asked", who), "run it as root");
      else if (*reader.send_buffer < INT_MAX)
        findings_.warn(
            "tap-sndbuf", name_,
            fmt::format("{} limits it to {} bytes: what the guest sends takes the slow path, one frame at "
                        "a time",
                        who, *reader.send_buffer),
            "libvirt: no <tune><sndbuf>, or 0; QEMU: -netdev tap,sndbuf=0");
      else
        findings_.pass("tap-sndbuf", name_, fmt::format("{} has it open, without a limit", who));
    }
  }

  void check_qdisc() {
    const std::string* qdisc = find_setting(facts_.tuning, {link_.ifindex, Knob::kQdisc, kWholeDevice});
    if (!qdisc) return;
    if (*qdisc == "noqueue" || qdisc->starts_with("noqueue "))
      findings_.pass("tap-qdisc", name_, "noqueue");
    else
      findings_.warn("tap-qdisc", name_,
                     fmt::format("{}: CPUs that send to it from the stack contend for its lock", *qdisc),
                     fmt::format("tc qdisc replace dev {} root noqueue; or xdpctl tune apply", name_));
  }

  const Examined& examined_;
  const HostFacts& facts_;
  const Link& link_;
  std::string name_;
  Findings& findings_;
};

}  // namespace

void check_taps(const Examined& examined, Findings& findings) {
  std::set<InterfaceName> seen;
  size_t missing = 0;
  for (const Guest& guest : examined.guests) {
    if (!seen.insert(guest.tap).second) continue;
    const auto link = std::ranges::find(examined.facts.links, guest.tap, &Link::name);
    if (link == examined.facts.links.end())
      ++missing;
    else
      TapChecks(examined, *link, findings).run();
  }
  if (examined.guests.empty())
    findings.warn("guests", "configuration", "there are none: nothing is forwarded", "xdpctl guest add");
  if (missing != 0)
    findings.warn("tap", "guests",
                  fmt::format("{} of {} taps are not there: their guests do not run", missing, seen.size()),
                  "xdpctl guest list");
}

}  // namespace xdpfwd

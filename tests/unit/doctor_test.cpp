// SPDX-License-Identifier: BSD-2-Clause
// Each check of the doctor, on a host that has nothing wrong but the one thing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <climits>
#include <regex>

#include "core/config.h"
#include "ctl/render_effect.h"
#include "doctor/examine.h"
#include "support/golden.h"

namespace xdpfwd {
namespace {

using testing::HasSubstr;

InterfaceName name(std::string_view text) {
  return *InterfaceName::parse(text);
}

// An 802.3ad bond of one mlx5 NIC, and a guest that runs.
Examined good_host() {
  Examined host;
  host.settings.devices = {name("bond0")};
  host.guests = {{.name = "vm1",
                  .tap = name("tap1"),
                  .macs = {*MacAddress::parse("52:54:00:00:00:01")},
                  .vlans = {*VlanTag::make(100)}}};
  host.daemon = StatusReport{.version = "0.1.0", .state = "forwarding"};
  HostFacts& facts = host.facts;
  facts.kernel_release = "6.12.0";
  facts.root = true;
  facts.features = {{.name = "xdp", .there = true, .why = {}, .needed = true, .use = "everything"},
                    {.name = "vlan-hint", .there = true, .why = {}, .needed = false, .use = "stripped tags"}};
  facts.bpffs = true;
  facts.bpffs_place = "/sys/fs/bpf";
  facts.links = {{.ifindex = 2,
                  .name = name("eth0"),
                  .mtu = 1500,
                  .admin_up = true,
                  .lower_up = true,
                  .master = 5,
                  .bond_member = true,
                  .bond_active = true,
                  .promiscuity = 1},
                 {.ifindex = 5,
                  .name = name("bond0"),
                  .kind = LinkKind::kBond,
                  .kind_text = "bond",
                  .mtu = 1500,
                  .admin_up = true,
                  .lower_up = true},
                 {.ifindex = 6, .name = name("br0"), .kind_text = "bridge", .mtu = 1500, .admin_up = true},
                 {.ifindex = 9,
                  .name = name("tap1"),
                  .kind = LinkKind::kTap,
                  .kind_text = "tun",
                  .mtu = 1500,
                  .admin_up = true,
                  .lower_up = true}};
  facts.devices = {
      {.ifindex = 2,
       .xdp = XdpFact::kNative,
       .xdp_ours = true,
       .xdp_features = 0x7f,
       .switches = {{"lro", {false, false}}, {"rx-gro-hw", {false, false}}, {"rxvlan", {false, false}}},
       .uppers = {"bond0"}},
      {.ifindex = 5, .bond_mode = "802.3ad", .bond_hash_policy = "layer3+4"},
      {.ifindex = 9, .xdp_features = 7, .tx_queue_len = 1000}};
  facts.tuning.cpus = {0, 1};
  facts.tuning.nics = {{.ifindex = 2,
                        .name = name("eth0"),
                        .driver = "mlx5_core",
                        .speed_mbps = 25000,
                        .max_channels = 8,
                        .rule_capacity = 1024,
                        .queues = {{.napi = 8, .irq = 40}, {.napi = 9, .irq = 41}},
                        .napis = {8, 9}}};
  facts.tuning.settings = {{{2, Knob::kIrqAffinity, 40}, "0"}, {{2, Knob::kIrqAffinity, 41}, "1"},
                           {{2, Knob::kThreadCpus, 0}, "0"},   {{2, Knob::kThreadCpus, 1}, "1"},
                           {{2, Knob::kRps, 0}, ""},           {{2, Knob::kRps, 1}, ""},
                           {{9, Knob::kRps, 0}, ""},           {{9, Knob::kQdisc, kWholeDevice}, "noqueue"}};
  facts.xsk_sockets.emplace();
  facts.bridge_ageing_s = {{6, 300}};
  facts.readers = {{.ifindex = 9, .pid = 77, .command = "qemu", .send_buffer = INT_MAX}};
  return host;
}

DeviceFacts& nic(Examined& host) {
  return host.facts.devices[0];
}

std::string& setting(Examined& host, const Setting& setting) {
  return std::ranges::find(host.facts.tuning.settings, setting, &SettingValue::setting)->value;
}

Link& tap(Examined& host) {
  return host.facts.links[3];
}

// What a remedy says to put in the configuration is taken by it: 'uplink.promisc = "auto"'.
size_t settings_taken(const std::string& remedy) {
  static const std::regex kSetting(R"RE(\b([a-z]+)\.([a-z_]+) = ("[^"]*"|[^ ;,]+))RE");
  size_t taken = 0;
  for (std::sregex_iterator at(remedy.begin(), remedy.end(), kSetting), end; at != end; ++at) {
    const std::string text = fmt::format("[{}]\n{} = {}\n{}", (*at)[1].str(), (*at)[2].str(), (*at)[3].str(),
                                         (*at)[1] == "uplink" ? "" : "[uplink]\n") +
                             "devices = [\"eth0\"]\n";
    const auto config = parse_config({{.file = "xdpfwd.toml", .text = text}});
    EXPECT_TRUE(config) << remedy << ": " << config.error().text();
    ++taken;
  }
  return taken;
}

// Nothing is wrong but this.
void expect_only(const Examined& host, Verdict verdict, std::string_view check, std::string_view what,
                 std::string_view remedy) {
  std::vector<Finding> findings = examine(host);
  std::erase_if(findings, [](const Finding& finding) { return finding.verdict == Verdict::kPass; });
  ASSERT_EQ(findings.size(), 1U) << check << ": " << render_findings(findings, {});
  EXPECT_EQ(findings[0].verdict, verdict);
  EXPECT_EQ(findings[0].check, check);
  EXPECT_THAT(findings[0].what, HasSubstr(std::string(what)));
  EXPECT_THAT(findings[0].remedy, HasSubstr(std::string(remedy)));
  // One that names a key says a setting.
  if (remedy.starts_with("uplink.") || remedy.starts_with("tuning."))
    EXPECT_EQ(settings_taken(findings[0].remedy), 1U) << findings[0].remedy;
  else
    settings_taken(findings[0].remedy);
}

TEST(Doctor, a_good_host_passes_every_check) {
  const std::vector<Finding> findings = examine(good_host());
  for (const Finding& finding : findings) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  expect_golden("doctor-good.txt", render_findings(findings, {}));
}

TEST(Doctor, of_the_kernel_and_the_process) {
  Examined host = good_host();
  host.facts.features[0].there = false;
  host.facts.features[0].why = "Invalid argument";
  expect_only(host, Verdict::kFail, "kernel", "(6.12.0) does not have it: Invalid argument", "Debian 12");
  host = good_host();
  host.facts.features[1].there = false;
  expect_only(host, Verdict::kWarn, "kernel", "it is for stripped tags", "a newer kernel");
  host = good_host();
  host.facts.features[0].there.reset();
  host.facts.features[0].why = "Operation not permitted";
  expect_only(host, Verdict::kWarn, "kernel", "could not be tried", "as root");
  host = good_host();
  host.facts.bpffs = false;
  expect_only(host, Verdict::kFail, "bpffs", "is no BPF filesystem", "mount -t bpf bpf /sys/fs/bpf");
  host = good_host();
  host.facts.lacking_capabilities = {"CAP_NET_ADMIN"};
  expect_only(host, Verdict::kWarn, "capabilities", "CAP_NET_ADMIN", "root");
  host = good_host();
  host.facts.memlock = 65536;
  host.facts.features.push_back({.name = "bpf-memory", .there = false, .why = "Operation not permitted"});
  std::vector<Finding> findings = examine(host);
  std::erase_if(findings, [](const Finding& finding) { return finding.check != "memlock"; });
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].verdict, Verdict::kFail);
  host = good_host();
  host.facts.unseen = {"who reads the taps: that needs root"};
  expect_only(host, Verdict::kWarn, "sight", "cannot see who reads the taps", "as root");
  host = good_host();
  host.daemon.reset();
  expect_only(host, Verdict::kWarn, "daemon", "none answers at /run/xdpfwd/control.sock",
              "systemctl start xdpfwd");
  host = good_host();
  host.daemon->state = "degraded";
  expect_only(host, Verdict::kWarn, "daemon", "is degraded", "xdpctl status");
}

TEST(Doctor, of_xdp_on_members) {
  Examined host = good_host();
  nic(host).xdp_ours = false;
  expect_only(host, Verdict::kFail, "xdp", "another XDP program", "ip link set dev eth0 xdp off");
  host = good_host();
  nic(host).xdp = XdpFact::kGeneric;
  expect_only(host, Verdict::kFail, "xdp", "generic mode, and native is configured", "reload");
  host.settings.xdp_mode = XdpMode::kGeneric;
  expect_only(host, Verdict::kWarn, "xdp", "as configured: far slower", "uplink.xdp_mode");
  host = good_host();
  nic(host).xdp = XdpFact::kNone;
  nic(host).xdp_ours = false;
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  nic(host).xdp_features = 0;
  expect_only(host, Verdict::kFail, "xdp", "no native XDP", "uplink.xdp_mode");
  nic(host).xdp_features.reset();
  expect_only(host, Verdict::kWarn, "xdp", "does not tell", "xdpctl status");
  host = good_host();
  host.facts.devices[1].xdp = XdpFact::kNative;  // on the bond: it hinders its members
  const auto findings = examine(host);
  EXPECT_THAT(render_findings(findings, {}), HasSubstr("ip link set dev bond0 xdp off"));
}

TEST(Doctor, of_offloads_and_filters) {
  Examined host = good_host();
  nic(host).switches["rx-gro-hw"].on = true;
  expect_only(host, Verdict::kWarn, "lro", "rx-gro-hw is on", "ethtool -K eth0 rx-gro-hw off");
  nic(host).xdp = XdpFact::kNone;
  nic(host).switches["lro"].on = true;
  expect_only(host, Verdict::kFail, "lro", "lro and rx-gro-hw are on",
              "ethtool -K eth0 lro off rx-gro-hw off");
  host = good_host();
  nic(host).switches["rxvlan"].on = true;
  expect_only(host, Verdict::kFail, "rxvlan", "does not see VLAN tags", "ethtool -K eth0 rxvlan off");
  host.facts.links[0].vlan_hint = true;
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  host.settings.vlan_tag = VlanTagSource::kFrame;
  expect_only(host, Verdict::kFail, "rxvlan", "does not see VLAN tags", "ethtool -K eth0 rxvlan off");
  host = good_host();
  host.facts.links[0].promiscuity = 0;
  expect_only(host, Verdict::kFail, "filters", "dropped by the NIC", "ip link set eth0 promisc on");
  expect_only(host, Verdict::kFail, "filters", "dropped by the NIC", "uplink.promisc");
  host.settings.promisc = false;  // as is advised where rules let the frames in
  expect_only(host, Verdict::kWarn, "filters", "as by steering rules", "uplink.promisc");
  host = good_host();
  host.facts.links[0].mtu = 9000;
  tap(host).mtu = 9000;
  expect_only(host, Verdict::kWarn, "mtu", "several buffers", "ip link set eth0 mtu");
}

TEST(Doctor, of_links_and_queues) {
  Examined host = good_host();
  host.facts.links[0].lower_up = false;
  expect_only(host, Verdict::kWarn, "link", "no carrier", "ethtool eth0");
  host.facts.links[0].admin_up = false;
  expect_only(host, Verdict::kFail, "link", "is down", "ip link set eth0 up");
  host = good_host();
  Nic& facts = host.facts.tuning.nics[0];
  facts.napis.clear();
  facts.queues = {{}};
  expect_only(host, Verdict::kWarn, "channels", "one CPU receives everything", "ethtool -L eth0 combined 2");
  facts.queues = {{}, {}, {}};
  expect_only(host, Verdict::kWarn, "channels", "several interrupts share one", "combined 2");
  facts.queues = {{}, {}};
  host.facts.tuning.cpus = {0, 1, 2, 3};
  expect_only(host, Verdict::kWarn, "channels", "from a CPU without a channel", "combined 4");
  host.facts.tuning.cpus = {0, 1};
  facts.rule_capacity = 0;
  expect_only(host, Verdict::kWarn, "ntuple", "mlx5_core steers by no rules", "tuning.steering");
  facts.rule_capacity = 1;
  host.guests[0].macs.push_back(*MacAddress::parse("52:54:00:00:00:02"));
  expect_only(host, Verdict::kWarn, "ntuple", "room for 1 rules, and guests have 2 addresses", "");
  host = good_host();
  host.facts.tuning.nics[0].driver = "ena";
  host.facts.tuning.nics[0].max_channels = 2;
  nic(host).xdp = XdpFact::kNone;
  expect_only(host, Verdict::kFail, "channels", "ena wants as many again", "ethtool -L eth0 combined 1");
  host = good_host();
  host.facts.tuning.irqbalance = true;
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  host.settings.tuning.apply = TuningApply::kOff;
  expect_only(host, Verdict::kWarn, "irqbalance", "moves the NICs' interrupts", "tuning.irqbalance");
  host = good_host();
  host.settings.devices = {name("eth7")};
  const auto findings = examine(host);
  EXPECT_THAT(render_findings(findings, {}), HasSubstr("eth7         is not there"));
}

TEST(Doctor, of_who_serves_queues) {
  Examined host = good_host();
  setting(host, {2, Knob::kIrqAffinity, 41}) = "0";
  setting(host, {2, Knob::kThreadCpus, 1}) = "0";
  expect_only(host, Verdict::kWarn, "irq-cpus",
              "CPU 0 has the interrupts of its queues 0-1, and CPU 1 of none", "tuning.cpus");
  expect_only(host, Verdict::kWarn, "irq-cpus", "", "echo 1 > /proc/irq/41/smp_affinity_list");
  host.settings.tuning.napi.mode = NapiMode::kAuto;  // packs them
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  host.settings.tuning.napi = {};
  // Where one CPU alone may serve them, it has to.
  host.facts.tuning.isolated = {1};
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  host.facts.tuning.isolated.clear();
  host.settings.tuning.cpus = {CpuWish::Kind::kGiven, {0}};
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  // Fewer queues than CPUs: one on each that has any is as it should be.
  host = good_host();
  host.facts.tuning.nics[0].driver = "ixgbe";
  host.facts.tuning.cpus = {0, 1, 2};
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  host = good_host();
  setting(host, {2, Knob::kThreadCpus, 1}) = "0-1";
  expect_only(host, Verdict::kWarn, "napi-threads", "the NAPI threads of its queues 1 may be on other CPUs",
              "tuning.napi");
  // One that never sleeps needs no interrupt.
  host.facts.tuning.settings.push_back({{2, Knob::kNapiThreaded, 1}, "busy-poll"});
  std::ranges::sort(host.facts.tuning.settings, {}, &SettingValue::setting);
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  host = good_host();
  host.facts.tuning.nics[0].queues[1].napi = 0;  // whose thread it is, nobody tells
  setting(host, {2, Knob::kThreadCpus, 1}) = "0-1";
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  host = good_host();
  setting(host, {2, Knob::kRps, 1}) = "0-1";
  expect_only(host, Verdict::kWarn, "rps", "from its queues 1", "for q in /sys/class/net/eth0/queues/rx-*");
  expect_only(host, Verdict::kWarn, "rps", "handed to other CPUs", "tuning.rps = \"off\"");
  host = good_host();
  host.facts.xsk_sockets = {{{2, 0, false}, {2, 1, true}, {3, 0, true}}};
  expect_only(host, Verdict::kWarn, "af-xdp", "has its queues 1:", "ss --xdp");
  host.facts.xsk_sockets.reset();
  expect_only(host, Verdict::kWarn, "af-xdp", "does not tell on which queues", "modprobe xsk_diag");
}

TEST(Doctor, of_veths_rules_that_are_off_and_bridges) {
  Examined host = good_host();
  host.facts.links[0].kind_text = "veth";
  nic(host).xdp_features = 3;
  expect_only(host, Verdict::kWarn, "xdp-target", "neither an XDP program nor GRO", "ethtool -K PEER gro on");
  nic(host).xdp_features = 7;
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  host = good_host();
  nic(host).switches["ntuple"] = {.on = false, .fixed = false};
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
  host.facts.tuning.nics[0].driver = "ixgbe";
  expect_only(host, Verdict::kWarn, "ntuple", "ixgbe refuses steering rules without it",
              "ethtool -K eth0 ntuple on");
  host = good_host();
  host.settings.relearn_s = 200;
  expect_only(host, Verdict::kWarn, "bridge-ageing",
              "after 300 s, and hears those beyond the uplink every 200 s", "uplink.relearn = 75");
  host.settings.relearn_s = 0;
  expect_only(host, Verdict::kWarn, "bridge-ageing", "none beyond the uplink passes to it",
              "uplink.relearn = 60");
  host.facts.bridge_ageing_s.clear();
  for (const Finding& finding : examine(host)) EXPECT_EQ(finding.verdict, Verdict::kPass) << finding.what;
}

TEST(Doctor, of_bonds) {
  Examined host = good_host();
  host.facts.devices[1].bond_mode = "balance-alb";
  expect_only(host, Verdict::kWarn, "bond-mode", "no native XDP on such a bond", "802.3ad");
  host = good_host();
  host.facts.devices[1].bond_hash_policy = "vlan+srcmac";
  expect_only(host, Verdict::kWarn, "bond-hash", "refuses XDP", "layer3+4");
  host.facts.devices[1].bond_hash_policy = "layer2";
  expect_only(host, Verdict::kWarn, "bond-hash", "leaves by one member", "layer3+4");
}

TEST(Doctor, of_taps) {
  Examined host = good_host();
  tap(host).lower_up = false;
  expect_only(host, Verdict::kWarn, "tap", "nobody reads it", "start or resume");
  tap(host).admin_up = false;
  expect_only(host, Verdict::kFail, "tap", "is down", "ip link set tap1 up");
  host = good_host();
  tap(host).kind = LinkKind::kOther;
  expect_only(host, Verdict::kFail, "tap", "is no tap", "ip tuntap");
  host = good_host();
  tap(host).mtu = 1400;
  expect_only(host, Verdict::kWarn, "tap-mtu", "longer frames are not forwarded",
              "ip link set tap1 mtu 1500");
  host = good_host();
  host.facts.devices[2].xdp_features = 0;
  expect_only(host, Verdict::kFail, "tap-xdp", "takes no redirected frames", "mode tap");
  host = good_host();
  tap(host).multi_queue = true;
  tap(host).queues = 4;
  expect_only(host, Verdict::kWarn, "tap-queues", "some stay idle", "2 queues");
  host = good_host();
  host.facts.readers[0].send_buffer = 1048576;
  expect_only(host, Verdict::kWarn, "tap-sndbuf", "qemu (pid 77) limits it to 1048576 bytes", "sndbuf=0");
  host.facts.readers[0].send_buffer.reset();
  expect_only(host, Verdict::kWarn, "tap-sndbuf", "cannot be asked", "root");
  host = good_host();
  setting(host, {9, Knob::kQdisc, kWholeDevice}) = "fq_codel";
  expect_only(host, Verdict::kWarn, "tap-qdisc", "fq_codel", "tc qdisc replace dev tap1 root noqueue");
  host = good_host();
  host.facts.devices[2].xdp = XdpFact::kNative;
  host.facts.devices[2].switches["tx-checksum"].on = true;
  expect_only(host, Verdict::kWarn, "tap-offloads", "bad checksums", "csum='off'");
  host = good_host();
  host.facts.links.pop_back();
  expect_only(host, Verdict::kWarn, "tap", "1 of 1 taps are not there", "xdpctl guest list");
  host = good_host();
  host.facts.devices[2].tx_queue_len = 500;
  expect_only(host, Verdict::kWarn, "tap-ring", "holds 500 frames", "ip link set tap1 txqueuelen 1000");
  host = good_host();
  host.facts.devices[2].packet_info = true;
  expect_only(host, Verdict::kFail, "tap-frames", "without IFF_NO_PI", "ip tuntap add");
  tap(host).lower_up = false;  // who opens it next says so again
  expect_only(host, Verdict::kWarn, "tap", "nobody reads it", "start or resume");
  host = good_host();
  setting(host, {9, Knob::kRps, 0}) = "0-1";
  expect_only(host, Verdict::kWarn, "tap-rps", "handed to other CPUs", "/sys/class/net/tap1/queues");
  host = good_host();
  host.guests.clear();
  expect_only(host, Verdict::kWarn, "guests", "there are none", "xdpctl guest add");
}

}  // namespace
}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "support/sample_reports.h"

namespace xdpfwd {
namespace {

InterfaceName interface(std::string_view name) {
  return *InterfaceName::parse(name);
}
MacAddress mac(std::string_view text) {
  return *MacAddress::parse(text);
}
VlanTag vlan(uint32_t id, VlanTag::Tpid tpid = VlanTag::Tpid::k8021q) {
  return *VlanTag::make(id, tpid);
}

MemberReport member(std::string name, uint32_t ifindex, uint64_t factor) {
  MemberReport report{.name = std::move(name),
                      .ifindex = ifindex,
                      .bond = "bond0",
                      .attached = true,
                      .flavour = ifindex % 2 == 0 ? Flavour::kFrame : Flavour::kHint,
                      .mode = XdpMode::kNative,
                      .active = ifindex % 2 == 0,
                      .promisc = ifindex % 2 == 0 ? Promisc::kOurs : Promisc::kOthers,
                      .packets = {}};
  report.packets[XDPFWD_REASON_FORWARDED] = 1'234'567 * factor;
  report.packets[XDPFWD_REASON_GROUP] = 4'321 * factor;
  report.packets[XDPFWD_REASON_MISS] = 17;
  report.packets[XDPFWD_REASON_RUNT] = 1;
  return report;
}

PortReport port(std::string name, PortState state, uint32_t ifindex, std::optional<uint32_t> slot,
                uint64_t packets) {
  PortReport report{.name = std::move(name),
                    .state = state,
                    .ifindex = ifindex,
                    .slot = slot,
                    .mtu = ifindex ? 1500U : 0U,
                    .rows = 2,
                    .counters = {}};
  report.counters.slot = slot.value_or(0);
  report.counters.packets = packets;
  report.counters.bytes = packets * 512;
  report.counters.relearned = packets / 100'000;
  if (packets != 0) {
    report.counters.losses[XDPFWD_LOSS_RING_FULL] = packets / 1000;
    report.counters.losses[XDPFWD_LOSS_NO_READER] = 3;
  }
  return report;
}

}  // namespace

StatusReport sample_status() {
  return {.version = "0.1.0",
          .state = "degraded",
          .uptime_ms = 93'784'005,
          .guests = 3,
          .rows_wanted = 5,
          .rows_installed = 4,
          .table_capacity = 65'536,
          .ports_wanted = 3,
          .ports_open = 2,
          .config_files = {"/etc/xdpfwd/xdpfwd.toml", "/etc/xdpfwd/xdpfwd.d/10-guests.toml"},
          .members = {member("eth0", 2, 1), member("eth1", 3, 0)},
          .problems = {{"guest vm3", "tap tap3 does not exist", "start the VM", std::nullopt, true},
                       {"member eth1", "its driver has no native XDP", "set uplink.xdp_mode = \"generic\"",
                        4'000, false}}};
}

std::vector<GuestReport> sample_guests() {
  return {{{"vm1",
            interface("tap1"),
            {mac("52:54:00:00:00:01")},
            {vlan(100)},
            false,
            {"/etc/xdpfwd/xdpfwd.toml", 4, 1}},
           GuestSource::kFile,
           PortState::kOpen},
          {{"vm2",
            interface("tap2"),
            {mac("52:54:00:00:00:02"), mac("52:54:00:00:00:03")},
            {vlan(100, VlanTag::Tpid::k8021ad), vlan(4094, VlanTag::Tpid::k8021ad)},
            true,
            {}},
           GuestSource::kControl,
           PortState::kNoReader},
          {{"vm3", interface("tap3"), {mac("52:54:00:00:00:04")}, {VlanTag()}, false, {}},
           GuestSource::kEphemeral,
           PortState::kMissing}};
}

std::vector<FdbReport> sample_fdb() {
  return {
      {FdbKey::make(mac("52:54:00:00:00:04"), VlanTag()), "tap3", "vm3", false, false},
      {FdbKey::make(mac("52:54:00:00:00:01"), vlan(100)), "tap1", "vm1", false, true},
      {FdbKey::make(mac("52:54:00:00:00:02"), vlan(100, VlanTag::Tpid::k8021ad)), "tap2", "vm2", true, true}};
}

std::vector<PortReport> sample_ports() {
  return {port("tap1", PortState::kOpen, 12, 0, 1'234'567), port("tap2", PortState::kNoReader, 13, 1, 0),
          port("tap3", PortState::kMissing, 0, std::nullopt, 0)};
}

StatsReport sample_stats(uint64_t seconds) {
  StatsReport report{.time_ns = 5'000'000'000 + seconds * 1'000'000'000,
                     .members = {member("eth0", 2, 1 + seconds), member("eth1", 3, 0)},
                     .ports = sample_ports()};
  report.ports[0].counters.packets += seconds * 500'000;
  report.ports[0].counters.bytes += seconds * 500'000 * 512;
  report.ports[0].counters.losses[XDPFWD_LOSS_RING_FULL] += seconds * 25;
  return report;
}

PlanReport sample_plan() {
  return {.actions = {"open port tap4 (slot 3, ifindex 14)", "set 2 rows",
                      "close port tap9 (slot 8, ifindex 19)"},
          .rows_added = 2,
          .rows_removed = 1,
          .rows_changed = 0,
          .problems = {{"guest vm5", "tap tap5 does not exist", "start the VM", std::nullopt, true}}};
}

TuningReport sample_tuning() {
  return {.apply = TuningApply::kManual,
          .held = true,
          .changes = {{"eth0", "channels", "8", "4", "one for each CPU that may serve it, 8 at most", true},
                      {"eth0", "rule 0", "", "52:54:00:00:00:01 queue 3", "guest vm1", false},
                      {"", "default-qdisc", "pfifo_fast", "noqueue", "taps to come start without a queue",
                       false}},
          .waiting = 2,
          .problems = {{"eth0", "it has no tx-frames (driver igb)", "", std::nullopt, true},
                       {"eth1", "somebody else sets rx-usecs again and again",
                        "find who does, or leave it alone in [tuning]", 40000, false}}};
}

NapiStatusReport sample_napi_status() {
  return {
      .wanted = "auto, 1 softirq",
      .by_hand = true,
      .held = true,
      .napis = {{"eth0", 0, 8193, "auto", "3", 45, "3", 873, 12, 20'000, 560'000, 4},
                {"eth0", 1, 8194, "softirq", "", 46, "0-3", std::nullopt, std::nullopt, std::nullopt,
                 std::nullopt, 0},
                {"eth1", std::nullopt, 8200, "deferred", "", std::nullopt, "", std::nullopt, std::nullopt,
                 std::nullopt, std::nullopt, 0},
                {"eth1", std::nullopt, 8201, "busy-poll", "2", std::nullopt, "", std::nullopt, std::nullopt,
                 std::nullopt, std::nullopt, 0, PolledReport{"af_xdp", "polling", 12'345, 67}}},
      .packing = {.napis = 1, .cpus_allowed = 4, .cpus_used = 1, .moves = 4, .failure = ""}};
}

PollsReport sample_polls() {
  return {
      .period_ns = 5'000'000'000,
      .net_softirq_ns = 1'250'000'000,
      .queues = {{"eth0",
                  0,
                  513,
                  300'000,
                  {60'000, 20'000, 10'000, 5'000, 5'000, 4'000, 3'000, 1'000, 500},
                  90'000,
                  300'100},
                 {"eth0", 1, 514, 0, {}, 0, 0},
                 {"eth1", 0, 0, 0, {}, 40'000, std::nullopt},
                 {"eth1", std::nullopt, 515, 40'000, {0, 40'000}, std::nullopt, std::nullopt}},
      .delivered = {{"eth0", 0, 513, "tap1", 290'000, 12}, {"eth1", std::nullopt, 515, "tap2", 39'000, 0}},
      .sent = {{"eth0", 250'000}, {"eth1", 0}},
      .backlog_dropped = 3,
      .budget_exhausted = 7,
      .uncounted = 0};
}

VerifyReport sample_verified() {
  return {.findings = {{Verdict::kPass, "settings", "eth0", "all 12 values read back as wanted", ""},
                       {Verdict::kWarn, "zero-work", "eth1", "38 % of polls took no packet",
                        "xdpctl tune suggest tx-coalesce eth1"},
                       {Verdict::kFail, "tx-usecs", "eth0", "the driver igb takes tx-usecs 150 and keeps 0",
                        "leave it alone: tx_usecs = -1 in [tuning]"}},
          .polls = sample_polls()};
}

SuggestReport sample_suggestion() {
  return {.device = "eth0",
          .present = 0,
          .rungs = {{0, 2'000'000'000, 50'000, 30'000, 40'000, 45'000, 600'000'000},
                    {64, 2'000'000'000, 24'000, 4'000, 40'100, 20'000, 500'000'000}},
          .suggested = 64,
          .why = "13000 zero-work polls fewer each second"};
}

}  // namespace xdpfwd

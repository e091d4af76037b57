// SPDX-License-Identifier: BSD-2-Clause
// Article 2: two CPUs storm one tap through a queueing discipline with a lock, and through none. Each CPU has
// a cable of its own, whose NAPI runs where the frames are sent; tcx redirects both to the tap, where they
// meet. "xdpfwd tune" is what xdpfwd's own tuning makes of the host's default.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "bench/scenario.h"
#include "bench/stage.h"

namespace xdpfwd::bench {
namespace {

Result<Metrics> storm(Rig& rig, Telemetry& telemetry, uint32_t first_id) {
  std::vector<std::unique_ptr<pktgen::Sender>> senders;
  const std::vector<unsigned> cpus = {rig.options().tx_cpu, rig.options().rx_cpu};
  // Fewer than the tap has slots: the ring is not what they wait for.
  const uint64_t each = rig.options().ring_slots * 2 / 5;
  for (size_t i = 0; i < cpus.size(); ++i) {
    const auto streams =
        pktgen::StreamSet::of_guests(rig.guests(), {.first_id = first_id + static_cast<uint32_t>(i)});
    if (!streams) return std::unexpected(streams.error());
    auto sender = pktgen::make_live_sender(
        *streams, {.devices = {rig.senders()[i]}, .netns = rig.netns(), .count = each, .cpu = cpus[i]});
    if (!sender) return std::unexpected(sender.error());
    senders.push_back(std::move(*sender));
  }
  const CpuReading first = telemetry.read();
  for (const auto& sender : senders)
    if (auto started = sender->start(); !started) return std::unexpected(started.error());
  double seconds = 0;
  for (const auto& sender : senders) {
    const auto sent = sender->wait();
    if (!sent) return std::unexpected(sent.error());
    seconds = std::max(seconds, sent->seconds);
  }
  const CpuReading cpu = telemetry.read() - first;
  const uint64_t arrived = rig.take_all();
  const double softirq_ns = static_cast<double>(cpu.net_softirq_ns + cpu.other_cpus_ns);
  return Metrics{{"softirq_ns_per_packet", softirq_ns / static_cast<double>(2 * each)},
                 {"arrived_percent", static_cast<double>(arrived) / static_cast<double>(2 * each) * 100},
                 {"pps", static_cast<double>(arrived) / seconds}};
}

constexpr const char* kTuned = "xdpfwd tune";

Result<void> set_discipline(Rig& rig, const std::string& name) {
  if (name != kTuned) return rig.run(fmt::format("tc qdisc replace dev tap0 root {}", name));
  // From the host's default. The daemon leaves the tap as it tuned it, and takes its programs off again: what
  // is measured is the way by the stack.
  return rig.run(fmt::format(
      R"sh(set -e
tc qdisc del dev tap0 root 2>/dev/null || true
[ "$(tc qdisc show dev tap0 root | cut -d' ' -f2)" != noqueue ]
folder=$(mktemp -d); trap 'umount $folder/bpf; rm -rf $folder' EXIT
mkdir $folder/bpf && mount -t bpf bpf $folder/bpf && mkdir $folder/bpf/tune
cat >$folder/xdpfwd.toml <<END
[uplink]
devices = ["up0"]
[daemon]
bpffs = "$folder/bpf/tune"
state_dir = "$folder/state"
[control]
socket = "$folder/control.sock"
[tuning]
profile = "none"
rps = "keep"
[[guest]]
name = "vm"
tap = "tap0"
mac = "52:54:00:ff:ff:ff"
vlan = 4000
END
{0}/xdpfwd --config $folder/xdpfwd.toml >$folder/log 2>&1 & daemon=$!
until {0}/xdpctl --socket $folder/control.sock version >/dev/null 2>&1; do
  kill -0 $daemon || {{ cat $folder/log; exit 1; }}
  sleep 0.1
done
{0}/xdpctl --socket $folder/control.sock tune apply
kill $daemon; wait $daemon || true
{0}/xdpfwd --config $folder/xdpfwd.toml --detach-all
tc qdisc show dev tap0 root | grep -q noqueue)sh",
      std::filesystem::read_symlink("/proc/self/exe").parent_path().string()));
}

Result<void> run_qdisc(Run& run) {
  const ContenderKind* tcx = find_contender("tcx");
  if (const auto there = tcx->probe(); !there) {
    leave_out(run, "tcx", there.error());
    return {};
  }
  RigOptions options{.members = 2, .rx_cpu = run.options.rx_cpu, .tx_cpu = run.options.tx_cpu};
  auto stand = Stand::open(*tcx, options, *run.telemetry);
  if (!stand) return std::unexpected(stand.error());
  std::vector<std::string> disciplines;
  for (const char* name : {"noqueue", kTuned, "pfifo_fast", "pfifo", "fq_codel"}) {
    if (const auto set = set_discipline((*stand)->rig(), name))
      disciplines.emplace_back(name);
    else if (std::string_view(name) == kTuned)
      return set;
    else
      leave_out(run, name, set.error());
  }
  const unsigned repetitions = run.repetitions();
  run.progress.begin("tap-qdisc", disciplines.size() * repetitions);
  uint32_t id = 1;
  for (unsigned repetition = 0; repetition <= repetitions; ++repetition) {
    for (const std::string& name : disciplines) {
      if (run.interrupted()) return {};
      if (repetition > 0 && run.file.has(name, {}, repetition)) {
        run.progress.skip();
        continue;
      }
      if (repetition > 0) run.progress.step(name);
      if (auto set = set_discipline((*stand)->rig(), name); !set) return set;
      auto metrics = storm((*stand)->rig(), *run.telemetry, id);
      id += 2;
      if (!metrics) return std::unexpected(metrics.error());
      if (repetition == 0) continue;  // warms up
      if (auto added = run.file.add({name, {}, repetition, std::move(*metrics)}); !added) return added;
    }
  }
  run.progress.end();
  return {};
}

const RegisteredScenario qdisc(
    {.name = "tap-qdisc",
     .summary = "two CPUs storm one tap through queueing disciplines and through none (article 2)",
     .run = run_qdisc,
     .plots = {{"softirq time a packet, both CPUs", "", "", "softirq_ns_per_packet", "ns", false, false}},
     .ratios = {{"softirq_ns_per_packet", "xdpfwd tune", "noqueue"},
                {"softirq_ns_per_packet", "pfifo", "noqueue"},
                {"softirq_ns_per_packet", "fq_codel", "noqueue"}},
     .table = {"softirq_ns_per_packet", "pps", "arrived_percent"},
     .contenders = no_contenders,
     .order = 80});

}  // namespace
}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// One TCP connection from the wire to a guest, as fast as it goes: what the receiving CPU's softirqs cost a
// kilobyte. Frames of a wire are no longer than the MTU, so the sender's segmentation offload is off; GRO on
// the uplink is on, for those who can use it; and the tag is in the frame. What the guest
// answers goes back past all contenders alike: see tcp_guest.h.
#include <algorithm>
#include <chrono>
#include <thread>

#include "bench/grid.h"
#include "bench/tcp_guest.h"
#include "bench/tcx_probe.h"

namespace xdpfwd::bench {
namespace {

using namespace std::chrono_literals;

Result<Metrics> measure(Run& run, Stand& stand) {
  const auto guest = TcpGuest::make(stand.rig());
  if (!guest) return std::unexpected(guest.error());
  if (auto connected = (*guest)->fill(); !connected) return std::unexpected(connected.error());
  // The window of TCP opens.
  std::this_thread::sleep_for(300ms);
  const CpuReading first = run.telemetry->read();
  const uint64_t before = (*guest)->received();
  std::this_thread::sleep_for(run.options.quick ? 500ms : 2000ms);
  const CpuReading cpu = run.telemetry->read() - first;
  const auto bytes = static_cast<double>((*guest)->received() - before);
  if (bytes == 0) return fail("the guest received nothing");
  return Metrics{{"mbit_per_second", bytes * 8 / static_cast<double>(cpu.at_ns) * 1000},
                 {"softirq_ns_per_kib", static_cast<double>(cpu.net_softirq_ns) / (bytes / 1024)},
                 {"packets_per_poll", static_cast<double>(cpu.packets) /
                                          std::max(1.0, static_cast<double>(cpu.polls - cpu.empty_polls))}};
}

Result<void> run_bulk(Run& run) {
  if (const auto there = probe_tcx(); !there) {
    leave_out(run, "all", there.error());
    return {};
  }
  const auto takes = [&](const ContenderKind& kind) {
    if (!kind.delivers) return false;
    if (kind.reads_taps)
      leave_out(run, kind.name, {"it reads taps, and would send the guest's answers a second time", "", 0});
    if (kind.keeps_tag)
      leave_out(run, kind.name, {"it leaves the tag on, with which a guest's TCP has nothing to do", "", 0});
    return !kind.reads_taps && !kind.keeps_tag;
  };
  return run_grid(run, {.contenders = present_contenders(run, takes),
                        .points = {{}},
                        .repetitions = run.repetitions(),
                        .rig = {},
                        .measure = [&](Stand& stand, const Point&) { return measure(run, stand); }});
}

const RegisteredScenario bulk(
    {.name = "tcp-bulk",
     .summary = "one TCP connection from the wire to a guest: softirq time a kilobyte",
     .run = run_bulk,
     .plots = {{"softirq time a kilobyte", "", "", "softirq_ns_per_kib", "ns", false, false},
               {"throughput", "", "", "mbit_per_second", "Mbit/s", false, false}},
     .ratios = {{"softirq_ns_per_kib", "xdpfwd", "bridge"},
                {"softirq_ns_per_kib", "xdpfwd", "bridge-pop"},
                {"softirq_ns_per_kib", "xdpfwd", "tcx"},
                {"mbit_per_second", "xdpfwd", "bridge-pop"}},
     .table = {"mbit_per_second", "softirq_ns_per_kib", "packets_per_poll"},
     .order = 45});

}  // namespace
}  // namespace xdpfwd::bench

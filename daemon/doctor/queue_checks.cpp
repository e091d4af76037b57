// SPDX-License-Identifier: BSD-2-Clause
// Who serves the members' queues, and who else has a hand in them: interrupts, threads of NAPI, packet
// steering, AF_XDP sockets.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/cpus.h"
#include "doctor/checks.h"

namespace xdpfwd {
namespace {

class QueueChecks {
 public:
  QueueChecks(const Examined& examined, const Nic& nic, Findings& findings)
      : examined_(examined),
        host_(examined.facts.tuning),
        nic_(nic),
        name_(nic.name.text()),
        findings_(findings) {}

  void run() {
    check_interrupts();
    check_threads();
    check_rps();
    check_sockets();
  }

 private:
  [[nodiscard]] const std::string* setting(Knob knob, uint32_t index) const {
    return find_setting(host_, {nic_.ifindex, knob, index});
  }

  // Those that may serve queues.
  [[nodiscard]] std::vector<uint32_t> allowed_cpus() const {
    const CpuWish& cpus = examined_.settings.tuning.cpus;
    return cpus.kind == CpuWish::Kind::kGiven ? cpus.given : shared_cpus(host_);
  }

  // Of interrupts that may go to several CPUs, nobody tells which it is. Mode auto packs on purpose.
  void check_interrupts() {
    std::map<uint32_t, std::set<uint32_t>> by_cpu;  // queues
    std::set<uint32_t> seen;
    for (uint32_t queue = 0; queue < nic_.queues.size(); ++queue) {
      if (examined_.settings.tuning.napi.of_queue(queue) == NapiMode::kAuto) continue;
      const uint32_t irq = nic_.queues[queue].irq;
      const std::string* cpus =
          irq != 0 && seen.insert(irq).second ? setting(Knob::kIrqAffinity, irq) : nullptr;
      const auto list = cpus ? parse_cpu_list(*cpus) : std::vector<uint32_t>{};
      if (list && list->size() == 1) by_cpu[list->front()].insert(queue);
    }
    if (by_cpu.empty()) return;
    const std::vector<uint32_t> allowed = allowed_cpus();
    const auto busiest =
        std::ranges::max_element(by_cpu, {}, [](const auto& one) { return one.second.size(); });
    std::vector<uint32_t> idle;
    for (const uint32_t cpu : allowed)
      if (!by_cpu.contains(cpu)) idle.push_back(cpu);
    const auto& [cpu, queues] = *busiest;
    if (queues.size() < 2 || idle.empty()) {
      findings_.pass("irq-cpus", name_, fmt::format("interrupts on {} CPUs", by_cpu.size()));
      return;
    }
    const uint32_t moved = nic_.queues[*queues.rbegin()].irq;
    findings_.warn(
        "irq-cpus", name_,
        fmt::format("CPU {} has the interrupts of its queues {}, and CPU {} of none", cpu,
                    cpu_list_text({queues.begin(), queues.end()}), cpu_list_text(idle)),
        fmt::format(
            "tuning.cpus = \"auto\" and xdpctl tune apply; or echo {} > /proc/irq/{}/smp_affinity_list",
            idle.front(), moved));
  }

  [[nodiscard]] bool polls_without_sleeping(uint32_t place) const {
    for (const uint32_t index : {place, kWholeDevice})
      if (const std::string* mode = setting(Knob::kNapiThreaded, index); mode && *mode == "busy-poll")
        return true;
    return false;
  }

  // A thread that polls for an interrupt should be where that is: drivers stop polling where the two differ,
  // and the interrupt's CPU wakes another. As far as the driver tells whose is whose.
  void check_threads() {
    std::vector<uint32_t> apart;
    size_t threads = 0;
    for (uint32_t place = 0; place < std::min(nic_.queues.size(), nic_.napis.size()); ++place) {
      const Queue& queue = nic_.queues[place];
      const std::string* thread = setting(Knob::kThreadCpus, place);
      const std::string* interrupt = setting(Knob::kIrqAffinity, queue.irq);
      if (!thread || !interrupt || queue.napi != nic_.napis[place] || polls_without_sleeping(place)) continue;
      ++threads;
      if (*thread != *interrupt) apart.push_back(place);
    }
    if (!apart.empty())
      findings_.warn(
          "napi-threads", name_,
          fmt::format(
              "the NAPI threads of its queues {} may be on other CPUs than the interrupts that wake them",
              cpu_list_text(apart)),
          "tuning.napi = \"threaded\" and xdpctl tune apply, which keeps each with its interrupt");
    else if (threads != 0)
      findings_.pass("napi-threads", name_, fmt::format("{}, each with its interrupt", threads));
  }

  void check_rps() {
    std::vector<uint32_t> on;
    bool known = false;
    for (uint32_t queue = 0; queue < nic_.queues.size(); ++queue) {
      const std::string* cpus = setting(Knob::kRps, queue);
      known = known || cpus;
      if (cpus && !cpus->empty()) on.push_back(queue);
    }
    if (!on.empty())
      findings_.warn(
          "rps", name_,
          fmt::format("what passes to the stack from its queues {} is handed to other CPUs, which meet "
                      "at the taps' locks",
                      cpu_list_text(on)),
          fmt::format("for q in /sys/class/net/{}/queues/rx-*; do echo 0 > $q/rps_cpus; done; or "
                      "tuning.rps = \"off\" and xdpctl tune apply",
                      name_));
    else if (known)
      findings_.pass("rps", name_, "off");
  }

  // The driver then receives into the socket's memory: what is redirected from there is copied, frame by
  // frame (xdp_convert_zc_to_xdp_frame()), and what the socket's program takes never reaches ours.
  void check_sockets() {
    const auto& sockets = examined_.facts.xsk_sockets;
    if (!sockets) {
      findings_.warn("af-xdp", name_,
                     "there are AF_XDP sockets, and this kernel does not tell on which queues",
                     "modprobe xsk_diag (CONFIG_XDP_SOCKETS_DIAG); ss --xdp --processes");
      return;
    }
    std::set<uint32_t> queues;
    for (const XskSocket& socket : *sockets)
      if (socket.ifindex == nic_.ifindex && socket.zero_copy) queues.insert(socket.queue);
    if (queues.empty())
      findings_.pass("af-xdp", name_, "no zero-copy socket has a queue of it");
    else
      findings_.warn(
          "af-xdp", name_,
          fmt::format("a zero-copy AF_XDP socket has its queues {}: frames from there are copied, or do "
                      "not reach the guests at all",
                      cpu_list_text({queues.begin(), queues.end()})),
          "ss --xdp --processes --extended names its process: end it, or have it bind with XDP_COPY");
  }

  const Examined& examined_;
  const HostTuning& host_;
  const Nic& nic_;
  std::string name_;
  Findings& findings_;
};

// A bridge hears those beyond the uplink by the frames that pass through it; when it forgets one, it floods
// what guests send there.
void check_bridges(const Examined& examined, Findings& findings) {
  const uint32_t relearn = examined.settings.relearn_s;
  for (const auto& [ifindex, ageing] : examined.facts.bridge_ageing_s) {
    const auto link = std::ranges::find(examined.facts.links, ifindex, &Link::ifindex);
    if (link == examined.facts.links.end() || ageing == 0) continue;
    const std::string name = link->name.text();
    const uint32_t good = std::max(ageing / 4, 1U);
    if (relearn == 0)
      findings.warn(
          "bridge-ageing", name,
          fmt::format("forgets a sender after {} s, and none beyond the uplink passes to it: it floods "
                      "what guests send there",
                      ageing),
          fmt::format("uplink.relearn = {}", std::min(good, 60U)));
    else if (2 * relearn > ageing)
      findings.warn(
          "bridge-ageing", name,
          fmt::format("forgets a sender after {} s, and hears those beyond the uplink every {} s: it "
                      "floods what guests send there",
                      ageing, relearn),
          fmt::format("uplink.relearn = {}; or ip link set {} type bridge ageing_time 30000", good, name));
    else
      findings.pass("bridge-ageing", name,
                    fmt::format("forgets a sender after {} s, and hears each every {} s", ageing, relearn));
  }
}

}  // namespace

void check_queues(const Examined& examined, Findings& findings) {
  for (const Link* link : members_of(examined))
    if (const Nic* nic = find_nic(examined.facts.tuning, link->ifindex))
      QueueChecks(examined, *nic, findings).run();
  check_bridges(examined, findings);
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/packing.h"

#include <algorithm>

#include "tuning/napi_modes.h"
#include "tuning/queue_cpus.h"

namespace xdpfwd {
namespace {

bool roams(const UndoLog& log, const Setting& setting) {
  const UndoEntry* entry = find_entry(log, setting);
  return entry && entry->roams;
}

// Instances of sending follow those of receiving, in the same order. Where the driver does not tell which is
// a queue's, and there are neither as many as queues nor twice as many, nobody knows: 0.
uint32_t irq_of(const Nic& nic, uint32_t place) {
  const auto queues = static_cast<uint32_t>(nic.queues.size());
  const bool told = place < queues && nic.queues[place].napi != 0;
  if (!told && nic.napis.size() != queues && nic.napis.size() != size_t{2} * queues) return 0;
  if (place < queues) return nic.queues[place].irq;
  return place - queues < queues ? nic.queues[place - queues].tx_irq : 0;
}

// Several queues may have one: then nobody's thread takes it along.
bool is_shared(const Nic& nic, uint32_t irq) {
  size_t users = 0;
  for (const Queue& queue : nic.queues)
    users += (queue.irq == irq ? 1U : 0U) + (queue.tx_irq == irq ? 1U : 0U);
  return users > 1;
}

PackingCpu place_of(const HostTuning& host, uint32_t cpu) {
  const auto at = static_cast<size_t>(std::ranges::lower_bound(host.cpus, cpu) - host.cpus.begin());
  return {.cpu = cpu,
          .node = at < host.numa_of_cpus.size() ? host.numa_of_cpus[at] : -1,
          .core = at < host.core_of_cpus.size() ? host.core_of_cpus[at] : cpu};
}

}  // namespace

Packable packable(const Wish& wish, const HostTuning& observed, const UndoLog& log) {
  Packable all;
  size_t most_queues = 1;
  for (const Nic& nic : observed.nics) most_queues = std::max(most_queues, nic.queues.size());
  std::vector<Remark> told_elsewhere;
  const std::vector<uint32_t> cpus =
      choose_cpus(wish, observed, static_cast<uint32_t>(most_queues), told_elsewhere);
  if (cpus.empty()) return all;
  if (wish.tuning.napi_target.kind == NumberWish::Kind::kGiven)
    all.target_percent = wish.tuning.napi_target.given;
  for (const uint32_t cpu : cpus_to_pack(wish.tuning, observed, cpus))
    all.cpus.push_back(place_of(observed, cpu));
  for (const Nic& nic : observed.nics)
    for (uint32_t place = 0; place < nic.napis.size(); ++place) {
      if (mode_of_napi(wish.tuning, nic, observed, place) != NapiMode::kAuto) continue;
      if (!roams(log, {nic.ifindex, Knob::kThreadCpus, place})) continue;
      const uint32_t irq = irq_of(nic, place);
      const bool follows =
          irq != 0 && !is_shared(nic, irq) && roams(log, {nic.ifindex, Knob::kIrqAffinity, irq});
      all.napis.push_back({.ifindex = nic.ifindex,
                           .device = nic.name,
                           .place = place,
                           .napi = nic.napis[place],
                           .queue = place < nic.queues.size() ? std::optional(place) : std::nullopt,
                           .irq = follows ? irq : 0,
                           .node = nic.numa_node,
                           .cpu = cpu_of_napi(wish.tuning, nic, observed, cpus, place)});
    }
  return all;
}

}  // namespace xdpfwd

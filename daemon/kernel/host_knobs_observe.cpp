// SPDX-License-Identifier: BSD-2-Clause
// HostKnobs::observe(): every setting of the NICs and taps of a scope, and what the NICs are. What a driver
// does not have, and a device that goes meanwhile, is left out.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "kernel/channels.h"
#include "kernel/host_cpus.h"
#include "kernel/host_knobs.h"
#include "kernel/interrupts.h"
#include "kernel/knob_value.h"
#include "kernel/napi_knobs.h"
#include "kernel/napi_threads.h"
#include "kernel/qdisc.h"
#include "kernel/queue_cpus.h"
#include "kernel/steering_rules.h"
#include "kernel/thread_schedule.h"

namespace xdpfwd {

struct HostKnobs::Observation {
  HostTuning host;
  std::unordered_map<uint32_t, std::string> qdiscs;
  std::optional<std::vector<uint32_t>> banned;  // nothing: irqbalance does not run

  void add(uint32_t ifindex, Knob knob, uint32_t index, std::string value) {
    host.settings.push_back(
        {.setting = {.ifindex = ifindex, .knob = knob, .index = index}, .value = std::move(value)});
  }
  void add(uint32_t ifindex, Knob knob, std::string value) {
    add(ifindex, knob, kWholeDevice, std::move(value));
  }
};

namespace {

// kthreadd, which has the CPUs that the kernel gives a thread of its own (kernel/kthread.c).
constexpr pid_t kThreadOfThreads = 2;

// What a driver says of its table is believed so far: room is made for that many.
constexpr uint32_t kMostRules = 1U << 16;

// 0 while it is not known: a link that is down has none.
uint32_t read_speed(const HostRoots& roots, const InterfaceName& device) {
  const auto speed = read_host_number(fmt::format("{}/class/net/{}/speed", roots.sys, device.view()));
  return speed && *speed > 0 && *speed < UINT32_MAX ? static_cast<uint32_t>(*speed) : 0;
}

int32_t read_numa_node(const HostRoots& roots, const InterfaceName& device) {
  const auto node =
      read_host_number(fmt::format("{}/class/net/{}/device/numa_node", roots.sys, device.view()));
  return node && *node >= 0 && *node <= INT32_MAX ? static_cast<int32_t>(*node) : -1;
}

}  // namespace

Result<HostTuning> HostKnobs::observe(const TuningScope& scope) {
  Observation seen;
  auto cpus = read_cpus(roots_);
  if (!cpus) return std::unexpected(cpus.error());
  seen.host.cpus = std::move(cpus->cpus);
  seen.host.numa_of_cpus = std::move(cpus->numa_of_cpus);
  seen.host.core_of_cpus = std::move(cpus->core_of_cpus);
  seen.host.isolated = std::move(cpus->isolated);
  seen.host.hides_threads = !sees_kernel_threads(roots_);
  if (!seen.host.hides_threads) seen.host.new_thread_cpus = read_thread_cpus(kThreadOfThreads).value_or("");
  if (const auto bytes = read_host_number(roots_.proc + "/sys/net/ipv4/tcp_limit_output_bytes");
      bytes && *bytes > 0)
    seen.host.tcp_limit_output_bytes = static_cast<uint64_t>(*bytes);
  // Only the host's own network namespace has it.
  if (auto qdisc = read_host_file(roots_.proc + "/sys/net/core/default_qdisc"))
    seen.add(0, Knob::kDefaultQdisc, std::move(*qdisc));
  if (auto banned = irqbalance_.banned()) seen.banned = std::move(*banned);
  seen.host.irqbalance = seen.banned.has_value();
  if (seen.banned)
    for (const uint32_t interrupt : *seen.banned)
      seen.add(0, Knob::kIrqBan, interrupt, std::string(switch_text(true)));
  auto qdiscs = read_qdiscs(route_);
  if (!qdiscs) return std::unexpected(qdiscs.error());
  seen.qdiscs = std::move(*qdiscs);
  for (const TunedDevice& nic : scope.nics)
    if (ethtool_.is_there(nic.ifindex, nic.name)) observe_nic(nic, seen);
  for (const TunedDevice& tap : scope.taps)
    if (ethtool_.is_there(tap.ifindex, tap.name)) observe_tap(tap, seen);
  std::ranges::sort(seen.host.nics, {}, &Nic::ifindex);
  std::ranges::sort(seen.host.settings, {}, &SettingValue::setting);
  return std::move(seen.host);
}

void HostKnobs::observe_nic(const TunedDevice& device, Observation& seen) {
  Nic nic{.ifindex = device.ifindex, .name = device.name};
  nic.driver = ethtool_.driver(device.name).value_or("");
  nic.speed_mbps = read_speed(roots_, device.name);
  nic.numa_node = read_numa_node(roots_, device.name);
  for (const auto& [knob, name] : {std::pair{Knob::kLro, kFeatureLro}, {Knob::kHwGro, kFeatureHwGro}})
    if (const auto feature = ethtool_.feature(device.name, name); feature && !feature->fixed)
      seen.add(device.ifindex, knob, std::string(switch_text(feature->on)));
  observe_sizes(nic, seen);
  observe_coalescing(nic, seen);
  observe_rules(nic, seen);
  observe_tap(device, seen);
  observe_xps(device, seen);
  observe_interrupts(nic, seen);
  NapiKnobs napi = read_napi_knobs(netdev_, roots_, device, nic.queues);
  nic.napis = std::move(napi.ids);
  for (NapiKnobs::Value& value : napi.values)
    seen.add(nic.ifindex, value.knob, value.index, std::move(value.value));
  seen.host.nics.push_back(std::move(nic));
}

void HostKnobs::observe_sizes(Nic& nic, Observation& seen) {
  if (const auto channels = read_channels(family_, nic.ifindex); channels && channels->max != 0) {
    nic.max_channels = channels->max;
    seen.add(nic.ifindex, Knob::kChannels, channels->value);
  }
  if (const auto rings = read_rings(family_, nic.ifindex)) {
    nic.max_rx_ring = rings->max_rx;
    nic.max_tx_ring = rings->max_tx;
    if (rings->max_rx != 0) seen.add(nic.ifindex, Knob::kRxRing, fmt::format("{}", rings->rx));
    if (rings->max_tx != 0) seen.add(nic.ifindex, Knob::kTxRing, fmt::format("{}", rings->tx));
  }
  const TunedDevice device{.ifindex = nic.ifindex, .name = nic.name};
  nic.queues = queues_of(device, count_queues(device));
}

void HostKnobs::observe_coalescing(Nic& nic, Observation& seen) {
  const auto all = read_coalescing(family_, nic.ifindex);
  if (!all) return;
  const auto queues = read_queue_coalescing(ethtool_, nic.name, 0, static_cast<uint32_t>(nic.queues.size()));
  nic.per_queue_coalescing = queues.has_value();
  for (const Knob knob : kCoalescingKnobs) {
    auto text = text_in(*all, knob);
    if (!text) continue;
    seen.add(nic.ifindex, knob, std::move(*text));
    for (uint32_t i = 0; queues && i < queues->size(); ++i)
      if (auto of_queue = text_in((*queues)[i], knob)) seen.add(nic.ifindex, knob, i, std::move(*of_queue));
  }
}

void HostKnobs::observe_rules(Nic& nic, Observation& seen) {
  auto rules = read_rules(ethtool_, nic.name);
  if (!rules) return;
  nic.rule_capacity = std::min(rules->capacity, kMostRules);
  nic.chooses_locations = rules->chooses_locations;
  for (auto& [location, text] : rules->rules) seen.add(nic.ifindex, Knob::kRule, location, std::move(text));
}

void HostKnobs::observe_interrupts(const Nic& nic, Observation& seen) {
  std::vector<uint32_t> interrupts;
  for (const Queue& queue : nic.queues)
    for (const uint32_t irq : {queue.irq, queue.tx_irq})
      if (irq != 0) interrupts.push_back(irq);
  std::ranges::sort(interrupts);
  interrupts.erase(std::ranges::unique(interrupts).begin(), interrupts.end());
  for (const uint32_t interrupt : interrupts) {
    if (auto cpus = read_affinity(roots_, interrupt))
      seen.add(nic.ifindex, Knob::kIrqAffinity, interrupt, std::move(*cpus));
    if (seen.banned)
      seen.add(nic.ifindex, Knob::kIrqBan, interrupt,
               std::string(switch_text(std::ranges::binary_search(*seen.banned, interrupt))));
  }
}

// What a NIC and a tap both have. No XPS: a tap chooses its queues itself (tun_select_queue()), whatever XPS
// says.
void HostKnobs::observe_tap(const TunedDevice& device, Observation& seen) {
  const auto qdisc = seen.qdiscs.find(device.ifindex);
  seen.add(device.ifindex, Knob::kQdisc,
           qdisc == seen.qdiscs.end() ? std::string(kNoQdiscYet) : qdisc->second);
  uint32_t queue = 0;
  for (std::string& cpus : read_queue_cpus(roots_, device.name, QueueCpus::kRps))
    seen.add(device.ifindex, Knob::kRps, queue++, std::move(cpus));
}

void HostKnobs::observe_xps(const TunedDevice& device, Observation& seen) {
  uint32_t queue = 0;
  for (std::string& cpus : read_queue_cpus(roots_, device.name, QueueCpus::kXps))
    seen.add(device.ifindex, Knob::kXps, queue++, std::move(cpus));
}

uint32_t HostKnobs::count_queues(const TunedDevice& device) {
  if (const auto channels = read_channels(family_, device.ifindex); channels && channels->receiving != 0)
    return std::min(channels->receiving, kMostQueues);
  return std::max<uint32_t>(
      1, static_cast<uint32_t>(read_queue_cpus(roots_, device.name, QueueCpus::kRps).size()));
}

std::vector<Queue> HostKnobs::queues_of(const TunedDevice& device, uint32_t count) {
  std::vector<Queue> queues = netdev_.queues(device.ifindex, count);
  if (std::ranges::none_of(queues, [](const Queue& queue) { return queue.irq == 0; })) return queues;
  const std::string bus = bus_name(roots_, device.name);
  if (bus.empty()) return queues;  // no hardware, no interrupt
  const std::vector<Interrupt> all = read_interrupts(roots_);
  const auto receiving = match_interrupts(all, device.name.view(), bus, count);
  const auto sending = match_tx_interrupts(all, device.name.view(), bus, count);
  for (size_t i = 0; i < queues.size(); ++i) {
    if (queues[i].irq != 0) continue;
    queues[i].irq = receiving[i];
    queues[i].tx_irq = sending[i];
  }
  return queues;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/polls.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace xdpfwd {

namespace {

// Counters start again when a driver makes its queues anew.
uint64_t grown(uint64_t before, uint64_t after) {
  return after >= before ? after - before : after;
}

// Readings are sorted: there may be tens of thousands of counts.
template <typename Count, typename Key>
const Count* find_count(const std::vector<Count>& counts, const Key& key, Key (*key_of)(const Count&)) {
  const auto at = std::ranges::lower_bound(counts, key, {}, key_of);
  return at == counts.end() || key_of(*at) != key ? nullptr : &*at;
}

using NapiKey = std::pair<uint32_t, uint32_t>;
NapiKey napi_key(const NapiCount& count) {
  return {count.ifindex, count.napi};
}
NapiKey queue_key(const QueueCount& count) {
  return {count.ifindex, count.queue};
}
uint32_t irq_key(const InterruptCount& count) {
  return count.irq;
}
using DeliveryKey = std::tuple<uint32_t, uint32_t, uint32_t>;
DeliveryKey delivery_key(const DeliveryCount& count) {
  return {count.ifindex, count.napi, count.tap};
}

void take_polls(QueueReport& queue, const NapiCount& now, const EffectReading& before) {
  const NapiCount* then = find_count(before.polls, napi_key(now), napi_key);
  queue.napi = now.napi;
  queue.packets = grown(then ? then->packets : 0, now.packets);
  for (size_t i = 0; i < queue.by_work.size(); ++i)
    queue.by_work[i] = grown(then ? then->by_work[i] : 0, now.by_work[i]);
}

// Which queue a NAPI instance serves, as the kernel told; with one queue and one instance there is no doubt.
std::optional<uint32_t> queue_of(const Nic& nic, uint32_t napi, size_t instances) {
  for (uint32_t queue = 0; queue < nic.queues.size(); ++queue)
    if (nic.queues[queue].napi == napi && napi != 0) return queue;
  if (nic.queues.size() == 1 && nic.queues[0].napi == 0 && instances == 1) return 0;
  return std::nullopt;
}

using Names = std::map<uint32_t, std::string>;

void add_nic(const Nic& nic, const EffectReading& before, const EffectReading& after, const Names& taps,
             PollsReport& report) {
  std::vector<QueueReport> queues(nic.queues.size());
  std::vector<QueueReport> others;
  const auto instances =
      static_cast<size_t>(std::ranges::count(after.polls, nic.ifindex, &NapiCount::ifindex));
  for (uint32_t i = 0; i < queues.size(); ++i) {
    QueueReport& queue = queues[i];
    queue.device = nic.name.text();
    queue.queue = i;
    queue.napi = nic.queues[i].napi;
    if (const uint32_t irq = nic.queues[i].irq; irq != 0)
      if (const auto* now = find_count(after.interrupts, irq, irq_key)) {
        const auto* then = find_count(before.interrupts, irq, irq_key);
        queue.interrupts = grown(then ? then->count : 0, now->count);
      }
    if (const auto* now = find_count(after.queues, NapiKey{nic.ifindex, i}, queue_key)) {
      const auto* then = find_count(before.queues, NapiKey{nic.ifindex, i}, queue_key);
      queue.received = grown(then ? then->packets : 0, now->packets);
    }
  }
  for (const NapiCount& count : after.polls) {
    if (count.ifindex != nic.ifindex) continue;
    if (const auto queue = queue_of(nic, count.napi, instances)) {
      take_polls(queues[*queue], count, before);
      continue;
    }
    QueueReport other;
    other.device = nic.name.text();
    take_polls(other, count, before);
    others.push_back(std::move(other));
  }
  std::ranges::move(queues, std::back_inserter(report.queues));
  std::ranges::move(others, std::back_inserter(report.queues));
  for (const DeliveryCount& count : after.delivered) {
    if (count.ifindex != nic.ifindex) continue;
    const auto* then = find_count(before.delivered, delivery_key(count), delivery_key);
    const auto name = taps.find(count.tap);
    DeliveryReport delivery{.device = nic.name.text(),
                            .queue = queue_of(nic, count.napi, instances),
                            .napi = count.napi,
                            .tap = name == taps.end() ? fmt::format("ifindex {}", count.tap) : name->second,
                            .taken = grown(then ? then->taken : 0, count.taken),
                            .lost = grown(then ? then->lost : 0, count.lost)};
    if (delivery.taken != 0 || delivery.lost != 0) report.delivered.push_back(std::move(delivery));
  }
}

}  // namespace

PollsReport polls_between(const EffectReading& before, const EffectReading& after, const HostTuning& host,
                          const Names& taps) {
  PollsReport report{.period_ns = after.time_ns - before.time_ns,
                     .net_softirq_ns = grown(before.net_softirq_ns, after.net_softirq_ns),
                     .queues = {},
                     .delivered = {},
                     .sent = {},
                     .backlog_dropped = grown(before.backlog_dropped, after.backlog_dropped),
                     .budget_exhausted = grown(before.budget_exhausted, after.budget_exhausted),
                     .uncounted = grown(before.uncounted, after.uncounted)};
  for (const Nic& nic : host.nics) {
    add_nic(nic, before, after, taps, report);
    const auto now = std::ranges::find(after.sent, nic.ifindex, &SentCount::ifindex);
    if (now == after.sent.end()) continue;
    const auto then = std::ranges::find(before.sent, nic.ifindex, &SentCount::ifindex);
    report.sent.push_back({.device = nic.name.text(),
                           .packets = grown(then == before.sent.end() ? 0 : then->packets, now->packets)});
  }
  return report;
}

QueueReport sum_of(const PollsReport& polls, const std::string& device) {
  QueueReport sum;
  sum.device = device;
  sum.interrupts = 0;
  sum.received = 0;
  for (const QueueReport& queue : polls.queues) {
    if (!device.empty() && queue.device != device) continue;
    sum.packets += queue.packets;
    for (size_t i = 0; i < sum.by_work.size(); ++i) sum.by_work[i] += queue.by_work[i];
    if (!queue.queue) continue;  // a NAPI instance alone: its queue's other counts are in another row
    sum.interrupts = sum.interrupts && queue.interrupts ? std::optional(*sum.interrupts + *queue.interrupts)
                                                        : std::nullopt;
    sum.received =
        sum.received && queue.received ? std::optional(*sum.received + *queue.received) : std::nullopt;
  }
  return sum;
}

}  // namespace xdpfwd

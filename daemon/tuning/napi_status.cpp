// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/napi_status.h"

#include <algorithm>

namespace xdpfwd {
namespace {

// The instance's own, or its NIC's.
std::string value_of(const HostTuning& host, const Nic& nic, Knob knob, uint32_t place) {
  for (const uint32_t index : {place, kWholeDevice})
    if (const std::string* value = find_setting(host, {nic.ifindex, knob, index})) return *value;
  return {};
}

std::string mode_of(const HostTuning& host, const Nic& nic, uint32_t place) {
  const std::string threaded = value_of(host, nic, Knob::kNapiThreaded, place);
  if (threaded == "busy-poll") return threaded;
  if (threaded == "on") return "threaded";
  const auto counts = [&](Knob knob) {
    const std::string value = value_of(host, nic, knob, place);
    return !value.empty() && value != "0";
  };
  return counts(Knob::kNapiDefer) && counts(Knob::kGroFlush) ? "deferred" : "softirq";
}

}  // namespace

std::vector<NapiReport> report_napis(const HostTuning& observed, const Packable& packable) {
  std::vector<NapiReport> reports;
  for (const Nic& nic : observed.nics)
    for (uint32_t place = 0; place < nic.napis.size(); ++place) {
      NapiReport report{.device = nic.name.text(),
                        .queue = {},
                        .napi = nic.napis[place],
                        .mode = mode_of(observed, nic, place),
                        .cpus = {},
                        .irq = {},
                        .irq_cpus = {},
                        .ran = {},
                        .waited = {},
                        .polls = {},
                        .packets = {}};
      if (const auto queue = std::ranges::find(nic.queues, report.napi, &Queue::napi);
          queue != nic.queues.end()) {
        report.queue = static_cast<uint32_t>(queue - nic.queues.begin());
        if (queue->irq != 0) report.irq = queue->irq;
      }
      const auto packed = std::ranges::find(packable.napis, report.napi, &PackedNapi::napi);
      if (packed != packable.napis.end()) {
        report.mode = "auto";
        // By its place, where the driver does not tell.
        if (!report.irq && packed->irq != 0) report.irq = packed->irq;
      }
      if (report.irq)
        if (const auto* cpus = find_setting(observed, {nic.ifindex, Knob::kIrqAffinity, *report.irq}))
          report.irq_cpus = *cpus;
      if (const auto* cpus = find_setting(observed, {nic.ifindex, Knob::kThreadCpus, place}))
        report.cpus = *cpus;
      reports.push_back(std::move(report));
    }
  return reports;
}

}  // namespace xdpfwd

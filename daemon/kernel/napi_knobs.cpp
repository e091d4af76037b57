// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/napi_knobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "kernel/change_thread.h"
#include "kernel/knob_value.h"
#include "kernel/napi_threads.h"
#include "kernel/thread_schedule.h"

namespace xdpfwd {
namespace {

std::string file_of(const HostRoots& roots, const InterfaceName& device, Knob knob) {
  const std::string_view file = knob == Knob::kNapiThreaded ? "threaded"
                                : knob == Knob::kNapiDefer  ? "napi_defer_hard_irqs"
                                                            : "gro_flush_timeout";
  return fmt::format("{}/class/net/{}/{}", roots.sys, device.view(), file);
}

std::string threaded_text(uint64_t number) {
  return std::string(number == 2 ? kBusyPollText : switch_text(number == 1));
}
std::string threaded_number(std::string_view text) {
  return text == kBusyPollText ? "2" : text == switch_text(true) ? "1" : "0";
}

// Those of the queues first, by number.
std::vector<NapiInstance> instances_of(NetdevFamily& netdev, const HostRoots& roots,
                                       const TunedDevice& device, const std::vector<Queue>& queues) {
  std::vector<NapiInstance> told = read_napi_instances(netdev, roots, device);
  const auto place = [&](const NapiInstance& napi) {
    const auto queue = std::ranges::find(queues, napi.id, &Queue::napi);
    return std::pair(queue - queues.begin(), napi.id);
  };
  std::ranges::sort(told, {}, place);
  return told;
}

std::optional<std::string> text_of_instance(const NapiInstance& napi, Knob knob) {
  switch (knob) {
    case Knob::kNapiThreaded:
      return napi.threaded ? std::optional(threaded_text(*napi.threaded)) : std::nullopt;
    case Knob::kNapiDefer:
      return napi.defer ? std::optional(fmt::format("{}", *napi.defer)) : std::nullopt;
    case Knob::kGroFlush:
      return napi.flush_ns ? std::optional(fmt::format("{}", *napi.flush_ns)) : std::nullopt;
    default:
      return std::nullopt;
  }
}

Result<void> set_thread(pid_t thread, const Tune& tune) {
  if (tune.setting.knob == Knob::kThreadCpus) return set_thread_cpus(thread, tune.value);
  const auto schedule = parse_thread_schedule(tune.value);
  if (!schedule) return std::unexpected(schedule.error());
  return set_thread_schedule(thread, *schedule);
}

}  // namespace

std::vector<NapiInstance> read_napi_instances(NetdevFamily& netdev, const HostRoots& roots,
                                              const TunedDevice& device) {
  auto told = netdev.napis(device.ifindex);
  // Any other error is a moment's, and no reason to go by names.
  if (!told && told.error().code != EOPNOTSUPP) return {};
  std::vector<NapiInstance> instances = told ? std::move(*told) : find_napi_threads(roots, device.name);
  if (!sees_kernel_threads(roots))
    for (NapiInstance& napi : instances) napi.pid = 0;
  return instances;
}

bool is_napi_knob(Knob knob) {
  return scope_of(knob) == KnobScope::kNapi;
}

NapiKnobs read_napi_knobs(NetdevFamily& netdev, const HostRoots& roots, const TunedDevice& device,
                          const std::vector<Queue>& queues) {
  NapiKnobs knobs;
  const std::vector<NapiInstance> instances = instances_of(netdev, roots, device, queues);
  for (const NapiInstance& napi : instances) knobs.ids.push_back(napi.id);
  for (const Knob knob : {Knob::kNapiThreaded, Knob::kNapiDefer, Knob::kGroFlush}) {
    bool for_each = false;
    for (uint32_t place = 0; place < instances.size(); ++place)
      if (auto text = text_of_instance(instances[place], knob)) {
        knobs.values.push_back({knob, place, std::move(*text)});
        for_each = true;
      }
    if (for_each) continue;
    // The NIC's own file sets all instances; it is the knob only where they have none of their own.
    if (auto text = read_host_file(file_of(roots, device.name, knob))) {
      if (knob == Knob::kNapiThreaded)
        text = threaded_text(text->empty() ? 0 : static_cast<uint64_t>((*text)[0] - '0'));
      knobs.values.push_back({knob, kWholeDevice, std::move(*text)});
    }
  }
  for (uint32_t place = 0; place < instances.size(); ++place) {
    const auto thread = static_cast<pid_t>(instances[place].pid);
    if (thread == 0) continue;
    if (auto cpus = read_thread_cpus(thread))
      knobs.values.push_back({Knob::kThreadCpus, place, std::move(*cpus)});
    if (const auto schedule = read_thread_schedule(thread))
      knobs.values.push_back({Knob::kThreadSched, place, schedule->text()});
  }
  return knobs;
}

Result<void> set_napi_knob(NetdevFamily& netdev, const HostRoots& roots, const Tune& tune,
                           const std::vector<Queue>& queues) {
  const Knob knob = tune.setting.knob;
  const bool of_thread = knob == Knob::kThreadCpus || knob == Knob::kThreadSched;
  if (tune.setting.index == kWholeDevice) {
    if (of_thread) return fail("it is a knob of one NAPI instance", {}, EINVAL);
    return write_host_file(file_of(roots, tune.name, knob),
                           knob == Knob::kNapiThreaded ? threaded_number(tune.value) : tune.value);
  }
  const TunedDevice device{.ifindex = tune.setting.ifindex, .name = tune.name};
  const auto instances = instances_of(netdev, roots, device, queues);
  if (tune.setting.index >= instances.size())
    return fail("there is no such NAPI instance", "look again: a reset makes others", ENOENT);
  const NapiInstance& napi = instances[tune.setting.index];
  if (of_thread && napi.pid == 0) return fail("the instance has no thread", "set napi-threaded first", ESRCH);
  if (of_thread)
    return change_thread(
        static_cast<pid_t>(napi.pid),
        [&]() -> Result<pid_t> {
          const auto now = read_napi_instances(netdev, roots, device);
          const auto same = std::ranges::find(now, napi.id, &NapiInstance::id);
          return same == now.end() ? 0 : static_cast<pid_t>(same->pid);
        },
        [&](pid_t thread) { return set_thread(thread, tune); });
  const std::string number = knob == Knob::kNapiThreaded ? threaded_number(tune.value) : tune.value;
  uint64_t value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  return netdev.set_napi(napi.id,
                         knob == Knob::kNapiThreaded ? NapiValue::kThreaded
                         : knob == Knob::kNapiDefer  ? NapiValue::kDefer
                                                     : NapiValue::kFlush,
                         value);
}

}  // namespace xdpfwd

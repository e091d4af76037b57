// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/new_threads.h"

namespace xdpfwd {
namespace {

bool has_no_thread(const HostTuning& host, const Setting& setting) {
  for (const uint32_t index : {setting.index, kWholeDevice})
    if (const auto* threaded = find_setting(host, {setting.ifindex, Knob::kNapiThreaded, index}))
      return *threaded == "off";
  return false;
}

}  // namespace

bool is_of_thread(Knob knob) {
  return knob == Knob::kThreadCpus || knob == Knob::kThreadSched;
}

std::optional<std::string_view> value_of_new_thread(const HostTuning& host, const Setting& setting) {
  if (!is_of_thread(setting.knob) || host.new_thread_cpus.empty()) return std::nullopt;
  if (find_setting(host, setting) || !has_no_thread(host, setting)) return std::nullopt;
  if (setting.knob == Knob::kThreadCpus) return host.new_thread_cpus;
  return "other 0";
}

}  // namespace xdpfwd

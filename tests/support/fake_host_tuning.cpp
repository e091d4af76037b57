// SPDX-License-Identifier: BSD-2-Clause
#include "support/fake_host_tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace xdpfwd::test {
namespace {

constexpr Knob kValues[] = {Knob::kRxUsecs, Knob::kRxFrames, Knob::kTxUsecs, Knob::kTxFrames};
constexpr Knob kCoalescing[] = {Knob::kAdaptiveRx, Knob::kAdaptiveTx, Knob::kRxUsecs,
                                Knob::kRxFrames,   Knob::kTxUsecs,    Knob::kTxFrames};

bool is_adaptive(Knob knob) {
  return knob == Knob::kAdaptiveRx || knob == Knob::kAdaptiveTx;
}

std::optional<uint32_t> number(const std::string& text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// mlx5's en.h, without and with adaptive moderation.
std::string default_of(Knob knob, bool adaptive) {
  switch (knob) {
    case Knob::kRxUsecs:
    case Knob::kTxUsecs:
      return adaptive ? "8" : "16";
    case Knob::kRxFrames:
      return adaptive ? "256" : "32";
    default:
      return adaptive ? "128" : "32";
  }
}

bool of_direction(Knob knob, Knob adaptive) {
  const bool receive = knob == Knob::kRxUsecs || knob == Knob::kRxFrames;
  return receive == (adaptive == Knob::kAdaptiveRx);
}

bool is_mlx5(NicModel model) {
  return model == NicModel::kMlx5 || model == NicModel::kMlx5Old;
}

bool napi_by_nic(NicModel model) {
  return model == NicModel::kIgb || model == NicModel::kMlx5Old;
}

std::unexpected<Error> refuse(const Tune& action, int code) {
  return fail_errno(describe(Action(action)), code);
}

}  // namespace

FakeHostTuning::FakeHostTuning(uint32_t cpus) : cpus_(cpus) {
  put({0, Knob::kDefaultQdisc, kWholeDevice}, "fq_codel");
}

void FakeHostTuning::add_nic(uint32_t ifindex, const InterfaceName& name, NicModel model, uint32_t channels) {
  Device device{.nic = {.ifindex = ifindex, .name = name}, .model = model, .first_irq = 100 * ifindex};
  Nic& nic = device.nic;
  nic.max_channels = 64;
  const auto whole = [&](Knob knob, const std::string& value) { put({ifindex, knob, kWholeDevice}, value); };
  switch (model) {
    case NicModel::kMlx5:
    case NicModel::kMlx5Old:
      nic.driver = "mlx5_core";
      nic.speed_mbps = 25000;
      nic.max_rx_ring = nic.max_tx_ring = 8192;
      nic.rule_capacity = 1024;
      nic.per_queue_coalescing = model == NicModel::kMlx5;
      whole(Knob::kLro, "off");
      whole(Knob::kHwGro, "off");
      whole(Knob::kRxRing, "1024");
      whole(Knob::kTxRing, "1024");
      whole(Knob::kAdaptiveRx, "on");
      whole(Knob::kAdaptiveTx, "on");
      for (const Knob knob : kValues) whole(knob, default_of(knob, true));
      break;
    case NicModel::kIgb:
      nic.driver = "igb";
      nic.speed_mbps = 1000;
      nic.max_channels = 8;
      nic.max_rx_ring = nic.max_tx_ring = 4096;
      whole(Knob::kRxRing, "256");
      whole(Knob::kTxRing, "256");
      whole(Knob::kRxUsecs, "3");
      whole(Knob::kTxUsecs, "0");
      break;
    case NicModel::kVirtio:
      nic.driver = "virtio_net";
      whole(Knob::kHwGro, "on");
      break;
    case NicModel::kVeth:
      nic.driver = "veth";
      nic.speed_mbps = 10000;
      break;
  }
  const bool threads_by_nic = napi_by_nic(model) || model == NicModel::kVirtio;
  if (threads_by_nic) whole(Knob::kNapiThreaded, "off");
  if (napi_by_nic(model))
    for (const Knob knob : {Knob::kNapiDefer, Knob::kGroFlush}) whole(knob, "0");
  whole(Knob::kChannels, fmt::format("{}", channels));
  set_queues(devices_.emplace(ifindex, std::move(device)).first->second, channels);
}

void FakeHostTuning::add_tap(uint32_t ifindex, const InterfaceName& /*name*/, const std::string& qdisc) {
  taps_.insert(ifindex);
  put({ifindex, Knob::kQdisc, kWholeDevice}, qdisc);
}

HostTuning FakeHostTuning::observe() const {
  HostTuning host;
  for (uint32_t cpu = 0; cpu < cpus_; ++cpu) {
    host.cpus.push_back(cpu);
    host.numa_of_cpus.push_back(cpu < cpus_ / 2 ? 0 : 1);
  }
  host.tcp_limit_output_bytes = tcp_limit_output_bytes;
  host.irqbalance = irqbalance;
  host.new_thread_cpus = fmt::format("0-{}", cpus_ - 1);
  for (const auto& [ifindex, device] : devices_) host.nics.push_back(device.nic);
  for (const auto& [setting, value] : values_)
    if (setting.knob != Knob::kIrqBan || irqbalance) host.settings.push_back({setting, value});
  for (const uint32_t irq : banned_)
    if (irqbalance) host.settings.push_back({{0, Knob::kIrqBan, irq}, "on"});
  std::ranges::sort(host.settings, {}, &SettingValue::setting);
  return host;
}

// Everything that hangs on queues, as the driver makes it.
void FakeHostTuning::set_queues(Device& device, uint32_t channels) {
  const uint32_t ifindex = device.nic.ifindex;
  std::erase_if(values_, [&](const auto& one) {
    const Setting& setting = one.first;
    if (setting.ifindex != ifindex || setting.index == kWholeDevice) return false;
    const KnobScope scope = scope_of(setting.knob);
    // A receive queue's packet steering is the kernel's and lasts as long as the queue.
    if (setting.knob == Knob::kRps) return setting.index >= channels;
    return scope == KnobScope::kAnyQueue || scope == KnobScope::kIrq || scope == KnobScope::kTxQueue;
  });
  device.nic.queues.clear();
  for (uint32_t queue = 0; queue < channels; ++queue) {
    const bool interrupts = device.model != NicModel::kVeth;
    const uint32_t irq = interrupts ? device.first_irq + queue : 0;
    device.nic.queues.push_back({.napi = 1000 * ifindex + queue, .irq = irq});
    if (interrupts) {
      put({ifindex, Knob::kIrqAffinity, irq}, fmt::format("0-{}", cpus_ - 1));
      put({ifindex, Knob::kIrqBan, irq}, banned_.contains(irq) ? "on" : "off");
    }
    values_.try_emplace({ifindex, Knob::kRps, queue}, "");
    put({ifindex, Knob::kXps, queue},
        is_mlx5(device.model) ? fmt::format("{}", queue % cpus_) : std::string());
    if (!device.nic.per_queue_coalescing) continue;
    for (const Knob knob : kCoalescing)
      put({ifindex, knob, queue}, values_.at({ifindex, knob, kWholeDevice}));
  }
  set_napis(device, channels);
}

void FakeHostTuning::set_napis(Device& device, uint32_t channels) {
  const uint32_t ifindex = device.nic.ifindex;
  const bool told = device.model == NicModel::kMlx5 || device.model == NicModel::kVirtio;
  // Persistent configuration is by the place of the instance; others start anew.
  std::map<Setting, std::string> kept;
  std::erase_if(values_, [&](const auto& one) {
    const Setting& setting = one.first;
    if (setting.ifindex != ifindex || scope_of(setting.knob) != KnobScope::kNapi ||
        setting.index == kWholeDevice)
      return false;
    if (device.model == NicModel::kMlx5 && setting.index < channels) kept.insert(one);
    return true;
  });
  device.nic.napis.clear();
  for (uint32_t place = 0; place < channels; ++place) {
    device.nic.napis.push_back(1000 * ifindex + place);
    if (!told) device.nic.queues[place].napi = 0;
    const auto own = [&](Knob knob, const std::string& value) {
      const auto was = kept.find({ifindex, knob, place});
      put({ifindex, knob, place}, was == kept.end() ? value : was->second);
    };
    if (device.model == NicModel::kMlx5 || device.model == NicModel::kVeth) own(Knob::kNapiThreaded, "off");
    if (!napi_by_nic(device.model))
      for (const Knob knob : {Knob::kNapiDefer, Knob::kGroFlush}) own(knob, "0");
    const auto each = values_.find({ifindex, Knob::kNapiThreaded, place});
    const auto all = values_.find({ifindex, Knob::kNapiThreaded, kWholeDevice});
    if ((each != values_.end() && each->second != "off") || (all != values_.end() && all->second != "off")) {
      put({ifindex, Knob::kThreadCpus, place}, fmt::format("0-{}", cpus_ - 1));
      put({ifindex, Knob::kThreadSched, place}, "other 0");
    }
  }
}

// A thread comes with its knobs, and goes with them.
void FakeHostTuning::apply_threaded(const Device& device, const Tune& action) {
  const bool was_off = values_.at(action.setting) == "off";
  put(action.setting, action.value);
  for (uint32_t place = 0; place < device.nic.napis.size(); ++place) {
    if (action.setting.index != kWholeDevice && action.setting.index != place) continue;
    for (const auto& [knob, value] :
         {std::pair{Knob::kThreadCpus, fmt::format("0-{}", cpus_ - 1)}, {Knob::kThreadSched, "other 0"}}) {
      const Setting setting{device.nic.ifindex, knob, place};
      if (action.value == "off")
        values_.erase(setting);
      else if (was_off)
        put(setting, value);
    }
  }
}

void FakeHostTuning::make_anew(Device& device, uint32_t channels) {
  ++device.links_lost;
  set_queues(device, channels);
}

void FakeHostTuning::reset(uint32_t ifindex) {
  Device& device = devices_.at(ifindex);
  set_queues(device, static_cast<uint32_t>(device.nic.queues.size()));
}

void FakeHostTuning::renumber(uint32_t ifindex) {
  devices_.at(ifindex).first_irq += 50;
  reset(ifindex);
}

void FakeHostTuning::remove_nic(uint32_t ifindex) {
  devices_.erase(ifindex);
  std::erase_if(values_, [&](const auto& one) { return one.first.ifindex == ifindex; });
}

void FakeHostTuning::put(const Setting& setting, const std::string& value) {
  values_[setting] = value;
  if (setting.knob != Knob::kIrqBan) return;
  if (value == "on")
    banned_.insert(setting.index);
  else
    banned_.erase(setting.index);
}

Result<void> FakeHostTuning::apply_rule(const Device& device, const Tune& action) {
  const uint32_t location = action.setting.index;
  if (device.nic.rule_capacity == 0) return refuse(action, EOPNOTSUPP);
  if (location >= device.nic.rule_capacity) return refuse(action, ENOSPC);
  if (action.value.empty()) {
    if (values_.erase(action.setting) == 0) return refuse(action, ENOENT);
    return {};
  }
  const auto rule = SteeringRule::parse(action.value);
  if (!rule || rule->queue >= device.nic.queues.size()) return refuse(action, EINVAL);
  put(action.setting, action.value);
  return {};
}

Result<void> FakeHostTuning::apply_channels(Device& device, const Tune& action) {
  const auto channels = number(action.value);
  if (!channels || *channels == 0 || *channels > device.nic.max_channels) return refuse(action, EINVAL);
  for (const auto& [setting, value] : values_)
    if (setting.ifindex == device.nic.ifindex && setting.knob == Knob::kRule)
      if (const auto rule = SteeringRule::parse(value); rule && rule->queue >= *channels)
        return refuse(action, EINVAL);
  put(action.setting, action.value);
  make_anew(device, *channels);
  return {};
}

Result<void> FakeHostTuning::apply_ring(Device& device, const Tune& action) {
  const auto size = number(action.value);
  const uint32_t most =
      action.setting.knob == Knob::kRxRing ? device.nic.max_rx_ring : device.nic.max_tx_ring;
  if (!size || *size == 0 || *size > most) return refuse(action, EINVAL);
  // igb_set_ringparam(): ALIGN(..., REQ_RX_DESCRIPTOR_MULTIPLE), and nobody is told; our reading back is.
  const uint32_t made = device.model == NicModel::kIgb ? (*size + 7) / 8 * 8 : *size;
  put(action.setting, fmt::format("{}", made));
  make_anew(device, static_cast<uint32_t>(device.nic.queues.size()));
  if (made != *size) return refuse(action, EOPNOTSUPP);
  return {};
}

// set_feature_lro(), set_feature_hw_gro(): mlx5e_safe_switch_params() with a reset.
Result<void> FakeHostTuning::apply_merging(Device& device, const Tune& action) {
  const bool changed = values_.at(action.setting) != action.value;
  put(action.setting, action.value);
  if (changed && is_mlx5(device.model)) make_anew(device, static_cast<uint32_t>(device.nic.queues.size()));
  return {};
}

Result<void> FakeHostTuning::apply_coalescing(Device& device, const Tune& action) {
  const auto [ifindex, knob, index] = action.setting;
  if (device.model == NicModel::kIgb && knob == Knob::kTxUsecs && action.value != "0")
    return refuse(action, EINVAL);
  if (is_adaptive(knob) ? action.value != "on" && action.value != "off" : !number(action.value))
    return refuse(action, EINVAL);
  if (knob == Knob::kTxUsecs && device.ignores_tx_usecs) return {};
  const bool changed = values_.at(action.setting) != action.value;
  put(action.setting, action.value);
  if (!is_mlx5(device.model)) return {};
  if (is_adaptive(knob) && changed && device.model == NicModel::kMlx5Old)
    make_anew(device, static_cast<uint32_t>(device.nic.queues.size()));
  if (is_adaptive(knob) && changed)
    for (const Knob value : kValues)
      if (of_direction(value, knob)) put({ifindex, value, index}, default_of(value, action.value == "on"));
  // mlx5e_ethtool_set_coalesce() writes all values of the NIC to all channels.
  if (index != kWholeDevice || !device.nic.per_queue_coalescing) return {};
  for (uint32_t queue = 0; queue < device.nic.queues.size(); ++queue)
    for (const Knob each : kCoalescing)
      put({ifindex, each, queue}, values_.at({ifindex, each, kWholeDevice}));
  return {};
}

Result<void> FakeHostTuning::apply(const Tune& action) {
  const Setting& setting = action.setting;
  const auto device = devices_.find(setting.ifindex);
  if (setting.knob == Knob::kRule)
    return device == devices_.end() ? refuse(action, ENODEV) : apply_rule(device->second, action);
  if (setting.knob == Knob::kIrqBan && irqbalance && action.value == "off") {
    banned_.erase(setting.index);
    if (values_.contains(setting)) put(setting, action.value);
    return {};
  }
  if (!values_.contains(setting)) return refuse(action, EOPNOTSUPP);
  if (device == devices_.end()) {
    // Only the host's default comes without a handle.
    const auto usual = values_.find({0, Knob::kDefaultQdisc, kWholeDevice});
    if (setting.knob == Knob::kQdisc && action.value != "noqueue" && usual != values_.end() &&
        usual->second != action.value)
      return refuse(action, EOPNOTSUPP);
    put(setting, action.value);
    return {};
  }
  if (device->second.nic.name != action.name) return refuse(action, ENODEV);
  switch (setting.knob) {
    case Knob::kChannels:
      return apply_channels(device->second, action);
    case Knob::kRxRing:
    case Knob::kTxRing:
      return apply_ring(device->second, action);
    case Knob::kLro:
    case Knob::kHwGro:
      return apply_merging(device->second, action);
    case Knob::kNapiThreaded:
      apply_threaded(device->second, action);
      return {};
    case Knob::kThreadCpus:
    case Knob::kIrqAffinity:
      if (const auto cpu = number(action.value); cpu && *cpu >= cpus_) return refuse(action, EINVAL);
      break;
    default:
      if (scope_of(setting.knob) == KnobScope::kAnyQueue) return apply_coalescing(device->second, action);
  }
  put(setting, action.value);
  return {};
}

}  // namespace xdpfwd::test

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/host_knobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernel/channels.h"
#include "kernel/interrupts.h"
#include "kernel/knob_value.h"
#include "kernel/napi_knobs.h"
#include "kernel/qdisc.h"
#include "kernel/queue_cpus.h"
#include "kernel/steering_rules.h"
#include "kernel/thread_meter.h"

namespace xdpfwd {
namespace {

std::string default_qdisc_path(const HostRoots& roots) {
  return roots.proc + "/sys/net/core/default_qdisc";
}

std::string_view place_of(const Tune& tune) {
  return tune.name.empty() ? std::string_view("the host") : tune.name.view();
}

std::unexpected<Error> no_such_knob() {
  return fail("it does not have that", {}, EOPNOTSUPP);
}

// What shows the values that a driver takes.
std::string tool_for(const Tune& tune) {
  const std::string_view name = tune.name.view();
  switch (tune.setting.knob) {
    case Knob::kChannels:
      return fmt::format("see the limits with ethtool -l {}", name);
    case Knob::kRxRing:
    case Knob::kTxRing:
      return fmt::format("see the limits with ethtool -g {}", name);
    case Knob::kRule:
      return fmt::format("see the rules with ethtool -n {}, and the channels with ethtool -l {}", name, name);
    default:
      return is_coalescing(tune.setting.knob) ? fmt::format("see what it has with ethtool -c {}", name)
                                              : std::string("choose a value that it takes");
  }
}

std::string remedy_for(const Tune& tune, int code) {
  switch (code) {
    case EOPNOTSUPP:
      return "leave this knob out of the configuration";
    case EPERM:
    case EACCES:
      return "run with CAP_NET_ADMIN, as root";
    case EINVAL:
    case ERANGE:
    case EOVERFLOW:
      return tool_for(tune);
    default:
      return {};
  }
}

// Names device, knob and value in front of what went wrong, and says what to do if that is not said yet.
std::unexpected<Error> cannot(const Tune& tune, Error error) {
  if (error.remedy.empty()) error.remedy = remedy_for(tune, error.code);
  return fail_in(
      fmt::format("cannot set {} of {} to '{}'", text_of(tune.setting), place_of(tune), tune.value),
      std::move(error));
}

Result<std::string> feature_text(Ethtool& ethtool, const InterfaceName& device, FeatureName name) {
  const auto feature = ethtool.feature(device, name);
  if (!feature) return std::unexpected(feature.error());
  if (feature->fixed) return no_such_knob();
  return std::string(switch_text(feature->on));
}

// The queue that a knob of queues names.
Result<uint32_t> queue_in(const Setting& setting) {
  if (setting.index < kMostQueues) return setting.index;
  return fail("there is no such queue", {}, EINVAL);
}

// irqbalance knows numbers: a ban may have outlived its interrupt, or its NIC.
bool lifts_ban(const Tune& tune) {
  return tune.setting.knob == Knob::kIrqBan && tune.value == switch_text(false);
}

QueueCpus which_cpus(Knob knob) {
  return knob == Knob::kRps ? QueueCpus::kRps : QueueCpus::kXps;
}

}  // namespace

Result<HostKnobs> HostKnobs::open(HostRoots roots) {
  auto route = NetlinkSocket::open(NETLINK_ROUTE);
  if (!route) return std::unexpected(route.error());
  auto ethtool = Ethtool::open();
  if (!ethtool) return std::unexpected(ethtool.error());
  auto family = EthtoolFamily::open();
  if (!family) return std::unexpected(family.error());
  auto netdev = NetdevFamily::open();
  if (!netdev) return std::unexpected(netdev.error());
  return HostKnobs(std::move(roots), std::move(*route), std::move(*ethtool), std::move(*family),
                   std::move(*netdev));
}

Result<void> HostKnobs::set(const Tune& tune) {
  const bool of_host = scope_of(tune.setting.knob) == KnobScope::kHost;
  if (of_host != tune.name.empty()) return cannot(tune, {.message = "that is no knob of it", .code = EINVAL});
  // Right before the step.
  if (!of_host && !lifts_ban(tune) && !ethtool_.is_there(tune.setting.ifindex, tune.name))
    return fail(fmt::format("{} (ifindex {}) is not there", tune.name.view(), tune.setting.ifindex), {},
                ENODEV);
  auto wanted = canonical_value(tune.setting.knob, tune.value);
  if (!wanted) return cannot(tune, wanted.error());
  const Tune step{.setting = tune.setting, .name = tune.name, .value = std::move(*wanted)};
  const auto before = read(step);
  if (!before) return cannot(step, before.error());
  if (*before == step.value) return {};
  if (auto written = write(step); !written) return cannot(step, written.error());
  const auto after = read(step);
  if (!after) return cannot(step, after.error());
  // The kernel's default qdisc, whatever it is.
  if (*after == step.value || (step.setting.knob == Knob::kQdisc && step.value == kNoQdiscYet)) return {};
  if (step.setting.knob == Knob::kQdisc)
    return cannot(step, {.message = fmt::format("the kernel's default is '{}'", *after),
                         .remedy = fmt::format("sysctl net.core.default_qdisc={}", step.value),
                         .code = EOPNOTSUPP});
  return cannot(step, {.message = fmt::format("it was accepted and not done, it is '{}'", *after),
                       .remedy = "take that value, or leave this knob out of the configuration",
                       .code = EOPNOTSUPP});
}

Result<std::unique_ptr<ThreadMeter>> HostKnobs::meter_threads(const std::vector<NapiThread>& threads) {
  if (!timer_) timer_ = ThreadTimer::load();
  const auto queues = [this](const TunedDevice& device) { return queues_of(device, count_queues(device)); };
  if (!polls_) polls_ = PollMeter::load();
  return xdpfwd::meter_threads(netdev_, roots_, threads, queues, *timer_, *polls_);
}

Result<std::string> HostKnobs::read(const Tune& tune) {
  const Setting& setting = tune.setting;
  switch (setting.knob) {
    case Knob::kLro:
      return feature_text(ethtool_, tune.name, kFeatureLro);
    case Knob::kHwGro:
      return feature_text(ethtool_, tune.name, kFeatureHwGro);
    case Knob::kChannels: {
      const auto channels = read_channels(family_, setting.ifindex);
      if (!channels) return std::unexpected(channels.error());
      if (channels->max == 0) return no_such_knob();
      return channels->value;
    }
    case Knob::kRxRing:
    case Knob::kTxRing: {
      const auto rings = read_rings(family_, setting.ifindex);
      if (!rings) return std::unexpected(rings.error());
      const bool rx = setting.knob == Knob::kRxRing;
      if ((rx ? rings->max_rx : rings->max_tx) == 0) return no_such_knob();
      return fmt::format("{}", rx ? rings->rx : rings->tx);
    }
    case Knob::kAdaptiveRx:
    case Knob::kAdaptiveTx:
    case Knob::kRxUsecs:
    case Knob::kRxFrames:
    case Knob::kTxUsecs:
    case Knob::kTxFrames:
      return read_coalescing_of(tune);
    case Knob::kRule:
      return read_rule_of(tune);
    case Knob::kIrqAffinity:
      if (auto ours = check_interrupt(tune); !ours) return std::unexpected(ours.error());
      return read_affinity(roots_, setting.index);
    case Knob::kIrqBan: {
      if (auto ours = lifts_ban(tune) ? Result<void>() : check_interrupt(tune); !ours)
        return std::unexpected(ours.error());
      const auto banned = irqbalance_.banned();
      if (!banned) return std::unexpected(banned.error());
      return std::string(switch_text(std::ranges::binary_search(*banned, setting.index)));
    }
    case Knob::kNapiThreaded:
    case Knob::kNapiDefer:
    case Knob::kGroFlush:
    case Knob::kThreadCpus:
    case Knob::kThreadSched:
      return read_napi_of(tune);
    case Knob::kRps:
    case Knob::kXps: {
      const auto queue = queue_in(setting);
      if (!queue) return std::unexpected(queue.error());
      return read_queue_cpus(roots_, tune.name, which_cpus(setting.knob), *queue);
    }
    case Knob::kQdisc:
      return read_qdisc(route_, setting.ifindex);
    case Knob::kDefaultQdisc:
      return read_host_file(default_qdisc_path(roots_));
  }
  return no_such_knob();
}

Result<std::string> HostKnobs::read_coalescing_of(const Tune& tune) {
  const auto all = read_coalescing(family_, tune.setting.ifindex);
  if (!all) return std::unexpected(all.error());
  auto text = text_in(*all, tune.setting.knob);
  if (!text) return no_such_knob();
  if (tune.setting.index == kWholeDevice) return *text;
  const auto queue = read_queue_coalescing(ethtool_, tune.name, tune.setting.index, 1);
  if (!queue) return std::unexpected(queue.error());
  return text_in(queue->front(), tune.setting.knob).value_or(*text);
}

Result<std::string> HostKnobs::read_rule_of(const Tune& tune) {
  if (tune.setting.index != kWholeDevice) return read_rule(ethtool_, tune.name, tune.setting.index);
  if (tune.value.empty()) return fail("which rule is not said", "name its location", EINVAL);
  const auto all = read_rules(ethtool_, tune.name);
  if (!all) return std::unexpected(all.error());
  if (!all->chooses_locations)
    return fail("the driver chooses no location for a rule", "name the location", EINVAL);
  const bool there =
      std::ranges::any_of(all->rules, [&](const auto& rule) { return rule.second == tune.value; });
  return there ? tune.value : std::string();
}

Result<void> HostKnobs::write(const Tune& tune) {
  const Setting& setting = tune.setting;
  switch (setting.knob) {
    case Knob::kLro:
      return ethtool_.set_feature(tune.name, kFeatureLro, tune.value == switch_text(true));
    case Knob::kHwGro:
      return ethtool_.set_feature(tune.name, kFeatureHwGro, tune.value == switch_text(true));
    case Knob::kChannels:
      return set_channels(family_, setting.ifindex, tune.value);
    case Knob::kRxRing:
    case Knob::kTxRing: {
      const auto descriptors = parse_number(tune.value);
      if (!descriptors) return std::unexpected(descriptors.error());
      return setting.knob == Knob::kRxRing ? set_rx_ring(family_, setting.ifindex, *descriptors)
                                           : set_tx_ring(family_, setting.ifindex, *descriptors);
    }
    case Knob::kAdaptiveRx:
    case Knob::kAdaptiveTx:
    case Knob::kRxUsecs:
    case Knob::kRxFrames:
    case Knob::kTxUsecs:
    case Knob::kTxFrames:
      return setting.index == kWholeDevice
                 ? set_coalescing(family_, setting.ifindex, setting.knob, tune.value)
                 : set_queue_coalescing(ethtool_, tune.name, setting.index, setting.knob, tune.value);
    case Knob::kRule:
      return set_rule(ethtool_, tune.name, setting.index, tune.value);
    case Knob::kIrqAffinity:
      return set_affinity(roots_, setting.index, tune.value);
    case Knob::kIrqBan:
      return irqbalance_.set_banned(setting.index, tune.value == switch_text(true));
    case Knob::kNapiThreaded:
    case Knob::kNapiDefer:
    case Knob::kGroFlush:
    case Knob::kThreadCpus:
    case Knob::kThreadSched:
      return set_napi_knob(netdev_, roots_, tune, queues_of_napis(tune));
    case Knob::kRps:
    case Knob::kXps:
      return set_queue_cpus(roots_, tune.name, which_cpus(setting.knob), setting.index, tune.value);
    case Knob::kQdisc:
      return set_qdisc(route_, setting.ifindex, tune.value);
    case Knob::kDefaultQdisc:
      return write_host_file(default_qdisc_path(roots_), tune.value);
  }
  return no_such_knob();
}

// Only which NAPI instance is whose: no interrupts.
std::vector<Queue> HostKnobs::queues_of_napis(const Tune& tune) {
  const TunedDevice device{.ifindex = tune.setting.ifindex, .name = tune.name};
  return netdev_.queues(device.ifindex, count_queues(device));
}

Result<std::string> HostKnobs::read_napi_of(const Tune& tune) {
  const NapiKnobs napi = read_napi_knobs(
      netdev_, roots_, {.ifindex = tune.setting.ifindex, .name = tune.name}, queues_of_napis(tune));
  for (const NapiKnobs::Value& value : napi.values)
    if (value.knob == tune.setting.knob && value.index == tune.setting.index) return value.value;
  return no_such_knob();
}

Result<void> HostKnobs::check_interrupt(const Tune& tune) {
  const TunedDevice device{.ifindex = tune.setting.ifindex, .name = tune.name};
  const auto queues = queues_of(device, count_queues(device));
  if (std::ranges::any_of(queues, [irq = tune.setting.index](const Queue& queue) {
        return irq != 0 && (queue.irq == irq || queue.tx_irq == irq);
      }))
    return {};
  return fail("it is no interrupt of a queue of this NIC", "look again: a reset gives new numbers", ENODEV);
}

}  // namespace xdpfwd

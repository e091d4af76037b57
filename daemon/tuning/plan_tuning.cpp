// SPDX-License-Identifier: BSD-2-Clause
// The order of a NIC's steps, and why each may stand where it stands:
//   1 merging off                no frame that XDP could not take; it may reset the NIC
//   2 rules of channels that go  a rule must not point at a channel that is no more: kernels refuse (6.12),
//   or
//                                frames are lost (before)
//   3 channels, rings            they reset the NIC, and what is set per queue with it
//   4 coalescing of the NIC      adaptive first, since switching it makes drivers forget the values (mlx5)
//   5 coalescing of its queues   setting the NIC's sets every queue's; again adaptive first
//   6 rules: removed, then set   what is removed makes room
//   7 interrupts                 irqbalance is told first, or it would move them back
//   8 threads of NAPI            each at once followed by its CPUs and class: until it has them, it waits
//   9 packet steering, qdisc     nothing hangs on them
//
// While it goes through them, the plan keeps what it believes each setting to be: a step makes the settings
// that it may reset unknown, and what is unknown is set when its turn comes, though it looked right before.
#include "tuning/plan_tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "tuning/new_threads.h"

namespace xdpfwd {
namespace {

bool is_coalescing(Knob knob) {
  return knob >= Knob::kAdaptiveRx && knob <= Knob::kTxFrames;
}
bool is_adaptive(Knob knob) {
  return knob == Knob::kAdaptiveRx || knob == Knob::kAdaptiveTx;
}
bool is_size(Knob knob) {
  return knob == Knob::kChannels || knob == Knob::kRxRing || knob == Knob::kTxRing;
}

// Whether the NIC is without link while it is changed. LRO and HW-GRO make mlx5's channels anew
// (set_feature_lro()) and have ixgbe reset itself (ixgbe_set_features()). So does adaptive moderation of mlx5
// before Linux 6.10; since then it has coalescing of each queue, by which it is told.
bool resets(const Setting& setting, const Nic* nic) {
  if (is_size(setting.knob) || setting.knob == Knob::kLro || setting.knob == Knob::kHwGro) return true;
  return is_adaptive(setting.knob) && nic && nic->driver == "mlx5_core" && !nic->per_queue_coalescing;
}

uint32_t number_in(std::string_view text, uint32_t otherwise) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

// The queue that a rule leads to; 0 for none, and for a rule that we cannot read.
uint32_t queue_of(std::string_view rule) {
  const auto parsed = SteeringRule::parse(rule);
  return parsed ? parsed->queue : 0;
}

using Place = std::tuple<int, size_t, size_t>;

// A setting on its way from what is observed to what it shall be.
struct Item {
  Setting setting;
  InterfaceName device;
  std::string_view observed;
  std::string_view target;
  const DesiredSetting* wish = nullptr;
  const UndoEntry* entry = nullptr;
  size_t importance = 0;                       // of a rule: its place among the desired
  std::optional<std::string_view> believed{};  // empty: it may have been reset
  bool gone = false;                           // with its channel
  bool unborn = false;                         // of a thread that is not there yet
  bool disturbed = false;
  std::string_view by{};  // what may have reset it
  Place place{};
};

// Where in the order above. `channels`: how many there shall be, if that is fewer than now.
Place place_of(const Item& item, uint32_t channels) {
  const Knob knob = item.setting.knob;
  const auto ordinal = static_cast<size_t>(knob);
  const size_t index = item.setting.index;
  if (knob == Knob::kRule) {
    if (queue_of(item.observed) >= channels) return {2, item.importance, index};
    return {item.target.empty() ? 6 : 7, item.importance, index};
  }
  if (is_coalescing(knob))
    return item.setting.index == kWholeDevice ? Place{4, ordinal, 0} : Place{5, index, ordinal};
  if (is_size(knob)) return {3, ordinal, 0};
  if (knob == Knob::kIrqBan) return {8, index, 0};
  if (knob == Knob::kIrqAffinity) return {9, index, 0};
  if (knob == Knob::kNapiThreaded && index == kWholeDevice) return {10, 0, 0};
  if (knob == Knob::kNapiThreaded || is_of_thread(knob)) return {11, index, ordinal};
  return {knob < Knob::kChannels ? 1 : 12, ordinal, index};
}

class DevicePlan {
 public:
  DevicePlan(std::vector<Item> items, const Nic* nic, TuningPlan& plan)
      : items_(std::move(items)), nic_(nic), plan_(plan) {}

  void run() {
    const uint32_t fewer = fewer_channels();
    for (Item& item : items_) item.place = place_of(item, fewer);
    std::ranges::sort(items_, {}, &Item::place);
    for (Item& item : items_)
      if (!item.gone && !item.unborn && item.believed != item.target) take(item);
    for (const Item& item : items_) {
      if (item.unborn) continue;
      if (item.wish && item.wish->roams)
        plan_.roaming.push_back(
            {item.setting, item.device, std::string(before_roaming(item)), std::string(item.target)});
      if (item.disturbed)
        plan_.disturbed.push_back(
            {item.setting, item.device, std::string(item.observed), std::string(item.target)});
    }
  }

 private:
  // Threads that poll without end where a poller is wanted are a poller's: of one that was killed, or is
  // older than our log.
  static std::string_view before_roaming(const Item& item) {
    return item.setting.knob == Knob::kNapiThreaded && item.observed == "busy-poll" ? "off" : item.observed;
  }

  // The number of channels to be, if it is smaller than the present one and nobody's rule is in the way.
  uint32_t fewer_channels() {
    const auto channels =
        std::ranges::find_if(items_, [](const Item& item) { return item.setting.knob == Knob::kChannels; });
    if (channels == items_.end()) return UINT32_MAX;
    const uint32_t now = number_in(channels->observed, 0);
    const uint32_t then = number_in(channels->target, UINT32_MAX);
    if (then >= now) return UINT32_MAX;
    for (const Item& item : items_)
      if (item.setting.knob == Knob::kRule && queue_of(item.target) >= then) {
        plan_.remarks.push_back(
            {channels->device.text(),
             fmt::format("channels stay at {}: the rule at location {} of somebody else leads "
                         "to queue {}",
                         now, item.setting.index, queue_of(item.target)),
             fmt::format("remove it: ethtool -N {} delete {}", channels->device.view(), item.setting.index),
             true});
        channels->target = channels->observed;
        return UINT32_MAX;
      }
    return then;
  }

  void take(Item& item) {
    const Knob knob = item.setting.knob;
    TuningStep step{.setting = item.setting,
                    .device = item.device,
                    .from = std::string(item.observed),
                    .to = std::string(item.target),
                    .reason = reason_of(item),
                    .resets = resets(item.setting, nic_),
                    .reasserts = item.wish && item.entry && !item.entry->shaken && !item.entry->begun &&
                                 item.entry->set == item.target && item.observed != item.target &&
                                 item.observed != item.entry->earlier};
    plan_.steps.push_back(std::move(step));
    if (resets(item.setting, nic_)) after_reset(item);
    if (is_coalescing(knob)) after_coalescing(item);
    if (knob == Knob::kNapiThreaded) after_threads(item);
    item.believed = item.target;
  }

  static std::string reason_of(const Item& item) {
    if (item.observed == item.target) return fmt::format("set again, because {} may have reset it", item.by);
    if (item.wish) return item.wish->reason;
    return item.entry && item.entry->set == item.entry->before
               ? "put back: a change of ours may have reset it"
               : "as it was before";
  }

  static void shake(Item& item, std::string_view by) {
    item.believed = std::nullopt;
    item.disturbed = true;
    item.by = by;
  }

  void after_reset(const Item& cause) {
    const bool channels = cause.setting.knob == Knob::kChannels;
    const uint32_t count = channels ? number_in(cause.target, UINT32_MAX) : UINT32_MAX;
    plan_.again |= channels;
    for (Item& item : items_) {
      const Knob knob = item.setting.knob;
      const bool of_queue = is_coalescing(knob) && item.setting.index != kWholeDevice;
      const bool of_irq = knob == Knob::kIrqAffinity || knob == Knob::kIrqBan;
      const bool of_steering = knob == Knob::kRps || knob == Knob::kXps;
      const bool of_napi = scope_of(knob) == KnobScope::kNapi && item.setting.index != kWholeDevice;
      if (!of_queue && !of_irq && !of_steering && !of_napi) continue;
      shake(item, name_of(cause.setting.knob));
      if (of_irq ? irq_goes(item.setting.index, count) : item.setting.index >= count) item.gone = true;
    }
  }

  // Where it is not known what a thread starts with, what is wanted of it is seen only when it is there.
  void after_threads(const Item& cause) {
    plan_.again |= cause.target != "off";
    for (Item& item : items_) {
      if (!is_of_thread(item.setting.knob)) continue;
      if (cause.setting.index != kWholeDevice && cause.setting.index != item.setting.index) continue;
      if (std::exchange(item.unborn, false)) {
        item.believed = item.observed;
        item.disturbed = false;
        continue;
      }
      shake(item, name_of(cause.setting.knob));
      item.gone = cause.target == "off";
    }
  }

  [[nodiscard]] bool irq_goes(uint32_t irq, uint32_t channels) const {
    if (!nic_) return false;
    bool used = false;
    for (size_t queue = 0; queue < nic_->queues.size(); ++queue)
      if (nic_->queues[queue].irq == irq || nic_->queues[queue].tx_irq == irq) {
        if (queue < channels) return false;
        used = true;
      }
    return used;
  }

  void after_coalescing(const Item& cause) {
    const Setting& set = cause.setting;
    const bool whole = set.index == kWholeDevice;
    if (whole) follow_device(cause);
    if (!is_adaptive(set.knob)) return;
    for (Item& item : items_) {
      const Setting& other = item.setting;
      if (is_coalescing(other.knob) && !is_adaptive(other.knob) && (whole || other.index == set.index))
        shake(item, name_of(set.knob));
    }
  }

  // Setting one value of the NIC writes all its values to all its queues. (mlx5e_ethtool_set_coalesce; a
  // driver that leaves the other values of its queues alone is right as well wherever they equal the NIC's.)
  void follow_device(const Item& cause) {
    std::map<Knob, std::optional<std::string_view>> of_device;
    for (const Item& item : items_)
      if (is_coalescing(item.setting.knob) && item.setting.index == kWholeDevice)
        of_device[item.setting.knob] = item.believed;
    for (Item& item : items_) {
      if (!is_coalescing(item.setting.knob) || item.setting.index == kWholeDevice || item.gone) continue;
      const bool followed = item.believed && item.believed == of_device[item.setting.knob];
      if (item.setting.knob == cause.setting.knob) {
        shake(item, name_of(cause.setting.knob));
        item.believed = cause.target;
      } else if (!followed) {
        shake(item, name_of(cause.setting.knob));
      }
    }
  }

  std::vector<Item> items_;
  const Nic* nic_;
  TuningPlan& plan_;
};

// Goes through observed, wanted and noted settings together, device by device.
class Gathering {
 public:
  Gathering(const TuningQuestion& question, const HostTuning& observed, const UndoLog& log, TuningPlan& plan)
      : holding_(question.holding), observed_(observed), log_(log), plan_(plan) {
    for (size_t i = 0; i < question.desired.size(); ++i) wishes_.emplace_back(&question.desired[i], i);
    std::ranges::sort(wishes_, {}, [](const auto& wish) { return wish.first->setting; });
  }

  void run() {
    // ifindex 0, the host, comes first in order but is done last: a NIC that is reset makes its queues'
    // qdiscs anew, by the host's default. For the same reason a default that goes back does so first; and a
    // tap has no other way back to a qdisc without a handle.
    std::vector<uint32_t> devices;
    const auto note = [&](uint32_t ifindex) { devices.push_back(ifindex - 1); };
    for (const Nic& nic : observed_.nics) note(nic.ifindex);
    for (const SettingValue& value : observed_.settings)
      if (devices.empty() || devices.back() != value.setting.ifindex - 1) note(value.setting.ifindex);
    // Of a NIC that is gone, too.
    for (const UndoEntry& entry : log_.entries)
      if (entry.setting.knob == Knob::kIrqBan) note(entry.setting.ifindex);
    std::ranges::sort(devices);
    const auto twins = std::ranges::unique(devices);
    devices.erase(twins.begin(), twins.end());
    // Members before taps, as a guest's frames come by them first.
    std::ranges::stable_partition(
        devices, [&](uint32_t device) { return find_nic(observed_, device + 1) != nullptr; });
    if (wishes_.empty() || wishes_.front().first->setting.ifindex != 0)
      std::ranges::stable_partition(devices, [](uint32_t device) { return device + 1 == 0; });
    for (const uint32_t device : devices)
      DevicePlan(items_of(device + 1), find_nic(observed_, device + 1), plan_).run();
  }

 private:
  template <typename Values, typename Of>
  static auto range_of(const Values& values, uint32_t ifindex, Of of) {
    return std::ranges::equal_range(values, ifindex, {}, [of](const auto& v) { return of(v).ifindex; });
  }

  std::vector<Item> items_of(uint32_t ifindex) {
    const Nic* nic = find_nic(observed_, ifindex);
    std::vector<Item> items;
    const auto add = [&](const Setting& setting, std::string_view value) {
      items.push_back({.setting = setting,
                       .device = nic ? nic->name : InterfaceName(),
                       .observed = value,
                       .target = value});
    };
    for (const SettingValue& value : range_of(
             observed_.settings, ifindex, [](const SettingValue& v) -> const Setting& { return v.setting; }))
      add(value.setting, value.value);
    const auto wishes =
        range_of(wishes_, ifindex, [](const auto& w) -> const Setting& { return w.first->setting; });
    // Locations without a rule are observed by not being there.
    for (const auto& [wish, at] : wishes)
      if (!find_setting(observed_, wish->setting) && observed_value(observed_, wish->setting))
        add(wish->setting, "");
    for (const auto& [wish, at] : wishes)
      if (const auto value = value_of_new_thread(observed_, wish->setting)) {
        add(wish->setting, *value);
        items.back().unborn = true;
      }
    // Interrupts that a reset gave other numbers, and whose ban outlived them.
    const auto noted =
        range_of(log_.entries, ifindex, [](const UndoEntry& e) -> const Setting& { return e.setting; });
    for (const UndoEntry& entry : noted)
      if (entry.setting.knob == Knob::kIrqBan && !find_setting(observed_, entry.setting))
        if (const auto value = observed_value(observed_, entry)) add(entry.setting, *value);
    std::ranges::sort(items, {}, &Item::setting);

    const auto find = [&](const Setting& setting) -> Item* {
      const auto at = std::ranges::lower_bound(items, setting, {}, &Item::setting);
      return at != items.end() && at->setting == setting ? &*at : nullptr;
    };
    for (const auto& [wish, at] : wishes)
      if (Item* item = find(wish->setting)) {
        item->wish = wish;
        item->importance = at;
        item->device = wish->device;
      }
    for (const UndoEntry& entry : noted) {
      if (nic && nic->name != entry.device) continue;
      if (Item* item = find(entry.setting)) {
        item->entry = &entry;
        item->device = entry.device;
      }
    }
    for (Item& item : items) aim(item);
    return items;
  }

  void aim(Item& item) {
    item.believed = item.observed;
    if (std::ranges::binary_search(holding_, item.setting)) return;
    if (item.wish) {
      item.target = item.wish->value;
    } else if (item.entry) {
      switch (holder_of(*item.entry, item.observed)) {
        case Holder::kUs:
        case Holder::kNobody:
          item.target = item.entry->before;
          break;
        case Holder::kOthers:
          plan_.left_alone.push_back(
              {item.setting, item.device, item.entry->set, std::string(item.observed)});
      }
    }
  }

  const std::vector<Setting>& holding_;
  const HostTuning& observed_;
  const UndoLog& log_;
  TuningPlan& plan_;
  std::vector<std::pair<const DesiredSetting*, size_t>> wishes_;  // sorted by setting
};

}  // namespace

TuningPlan plan_tuning(const TuningQuestion& question, const HostTuning& observed, const UndoLog& log) {
  TuningPlan plan;
  Gathering(question, observed, log, plan).run();
  std::ranges::sort(plan.roaming, {}, &Disturbed::setting);
  return plan;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/desire.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <span>

#include "core/cpus.h"
#include "tuning/coalescing.h"
#include "tuning/napi_modes.h"
#include "tuning/queue_cpus.h"
#include "tuning/rules.h"

namespace xdpfwd {
namespace {

class HostDesire {
 public:
  HostDesire(const Wish& wish, const HostTuning& observed, const UndoLog& log,
             const std::vector<Setting>& holding, const std::vector<uint32_t>& unpolled)
      : wish_(wish),
        tuning_(wish.tuning),
        host_(observed),
        log_(log),
        holding_(holding),
        unpolled_(unpolled) {}

  TuningDesire run(const std::vector<TunedTap>& taps, const GuestLoads& loads) {
    for (const Nic& nic : host_.nics) {
      merging_off(nic);
      channels_[nic.ifindex] = channels_to_be(nic);
      want_rings(nic);
    }
    cpus_ = choose_cpus(wish_, host_, most_queues(), desire_.remarks);
    steer_guests(loads);
    choose_bans();
    tell_of_queues_nobody_has();
    TuningSettings with_modes = tuning_;
    with_modes.napi = modes_with_cpus();
    PollerChoice polled = choose_pollers(with_modes, host_, cpus_, unpolled_, log_, desire_.remarks);
    desire_.pollers = std::move(polled.pollers);
    with_modes.napi = std::move(polled.napi);
    for (const Nic& nic : host_.nics) {
      coalesce(nic);
      serve_queues(nic);
      for (NapiDesire& napi : choose_napi(with_modes, nic, host_, cpus_, desire_.remarks))
        want(napi.setting, nic.name, std::move(napi.value), std::move(napi.reason), napi.roams);
      for (const Knob knob : {Knob::kRps, Knob::kXps})
        if (knob == Knob::kRps ? tuning_.rps_off : tuning_.xps_off) spread_no_more(nic, knob);
    }
    queue_nothing(taps);
    return std::move(desire_);
  }

 private:
  void want(const Setting& setting, const InterfaceName& device, std::string value, std::string reason,
            bool roams = false) {
    desire_.settings.push_back({setting, device, std::move(value), std::move(reason), roams});
  }
  void remark(const Nic& nic, std::string why, std::string remedy, bool problem) {
    desire_.remarks.push_back({nic.name.text(), std::move(why), std::move(remedy), problem});
  }
  [[nodiscard]] std::span<const SettingValue> settings_of(const Nic& nic, Knob knob) const {
    const auto all = std::ranges::equal_range(
        host_.settings, std::pair(nic.ifindex, knob), {},
        [](const SettingValue& v) { return std::pair(v.setting.ifindex, v.setting.knob); });
    return {all.begin(), all.end()};
  }

  // ---- the NIC

  void merging_off(const Nic& nic) {
    if (!tuning_.lro_off) return;
    for (const Knob knob : {Knob::kLro, Knob::kHwGro})
      if (find_setting(host_, {nic.ifindex, knob, kWholeDevice}))
        want({nic.ifindex, knob, kWholeDevice}, nic.name, "off",
             "native XDP and merged frames do not go together");
  }

  [[nodiscard]] uint32_t auto_channels() const {
    return static_cast<uint32_t>(std::max<size_t>(count_cpus(wish_, host_), 1));
  }

  // The number of queues that the NIC will have: rules must lead to no other.
  uint32_t channels_to_be(const Nic& nic) {
    const uint32_t wanted = want_channels(nic);
    const bool held =
        std::ranges::binary_search(holding_, Setting{nic.ifindex, Knob::kChannels, kWholeDevice});
    return held ? static_cast<uint32_t>(nic.queues.size()) : wanted;
  }

  uint32_t want_channels(const Nic& nic) {
    const auto now = static_cast<uint32_t>(nic.queues.size());
    const Setting setting{nic.ifindex, Knob::kChannels, kWholeDevice};
    if (!find_setting(host_, setting) || nic.max_channels == 0) {
      if (tuning_.channels.kind == NumberWish::Kind::kGiven)
        remark(nic, fmt::format("the number of its channels cannot be set (driver {})", driver_of(nic)),
               "set tuning.channels to \"keep\"", true);
      return now;
    }
    switch (tuning_.channels.kind) {
      case NumberWish::Kind::kKeep: {
        // What we changed for an earlier wish goes back, and rules must fit what comes of it.
        const UndoEntry* entry = find_entry(log_, setting);
        const std::string* value = find_setting(host_, setting);
        if (!entry || entry->device != nic.name || holder_of(*entry, *value) == Holder::kOthers) return now;
        uint32_t before = now;
        std::from_chars(entry->before.data(), entry->before.data() + entry->before.size(), before);
        return before;
      }
      case NumberWish::Kind::kAuto: {
        const uint32_t count = std::min(auto_channels(), nic.max_channels);
        want(setting, nic.name, fmt::format("{}", count),
             fmt::format("one for each CPU that may serve it, {} at most", nic.max_channels));
        return count;
      }
      case NumberWish::Kind::kGiven:
        if (tuning_.channels.given > nic.max_channels) {
          remark(nic,
                 fmt::format("it has {} channels at most, and {} are wanted", nic.max_channels,
                             tuning_.channels.given),
                 fmt::format("set tuning.channels to {} or less", nic.max_channels), true);
          return now;
        }
        want(setting, nic.name, fmt::format("{}", tuning_.channels.given), "given in [tuning]");
        return tuning_.channels.given;
    }
    return now;
  }

  void want_rings(const Nic& nic) {
    const struct {
      Knob knob;
      const NumberWish& wish;
      uint32_t most;
      const char* key;
    } rings[] = {{Knob::kRxRing, tuning_.ring_rx, nic.max_rx_ring, "ring_rx"},
                 {Knob::kTxRing, tuning_.ring_tx, nic.max_tx_ring, "ring_tx"}};
    for (const auto& ring : rings) {
      if (ring.wish.kind != NumberWish::Kind::kGiven) continue;
      const Setting setting{nic.ifindex, ring.knob, kWholeDevice};
      if (!find_setting(host_, setting) || ring.most == 0)
        remark(nic, fmt::format("its {} cannot be set (driver {})", name_of(ring.knob), driver_of(nic)),
               fmt::format("set tuning.{} to \"keep\"", ring.key), true);
      else if (ring.wish.given > ring.most)
        remark(nic,
               fmt::format("its {} holds {} descriptors at most, and {} are wanted", name_of(ring.knob),
                           ring.most, ring.wish.given),
               fmt::format("set tuning.{} to {} or less", ring.key, ring.most), true);
      else
        want(setting, nic.name, fmt::format("{}", ring.wish.given), "given in [tuning]");
    }
  }

  // ---- steering

  [[nodiscard]] uint32_t most_queues() const {
    uint32_t most = 0;
    for (const auto& [ifindex, count] : channels_) most = std::max(most, count);
    return most;
  }

  bool steers(const Nic& nic) {
    if (nic.rule_capacity == 0) {
      remark(nic,
             fmt::format("it steers by no rules (driver {}): RSS spreads each guest over all its queues",
                         driver_of(nic)),
             "", false);
      return false;
    }
    if (nic.chooses_locations) {
      remark(nic,
             fmt::format("its driver ({}) chooses where its rules go, so that xdpfwd could not tell its own "
                         "from others' after a crash: none are made",
                         driver_of(nic)),
             "", false);
      return false;
    }
    return channels_[nic.ifindex] != 0;
  }

  void steer_guests(const GuestLoads& loads) {
    if (!tuning_.steering || wish_.guests.empty()) return;
    std::vector<const Nic*> nics;
    uint32_t queues = UINT32_MAX;
    for (const Nic& nic : host_.nics)
      if (steers(nic)) {
        nics.push_back(&nic);
        queues = std::min(queues, channels_[nic.ifindex]);
      }
    if (nics.empty()) {
      const auto asking = std::ranges::count_if(
          wish_.guests, [](const GuestWish& guest) { return guest.cpu || guest.profile; });
      if (asking != 0)
        desire_.remarks.push_back(
            {"guests",
             fmt::format("{} ask for a CPU or a profile of their own, which has no effect: no member steers",
                         asking),
             "", false});
      return;
    }
    const SteeringQuestion question{.queues = queues,
                                    .present = present_queues(wish_.guests, host_, log_),
                                    .cpu_of_queue = cpus_of(*nics.front(), queues),
                                    .loads = loads};
    desire_.steering = steer(wish_.guests, tuning_.profile, question, desire_.remarks);
    const auto wanted = want_rules(wish_.guests, desire_.steering.queue_of_guest, desire_.remarks);
    for (const Nic* nic : nics)
      for (const PlacedRule& placed : place_rules(wanted, wish_.guests, *nic, host_, log_, desire_.remarks)) {
        const WantedRule& rule = wanted[placed.wanted];
        want({nic->ifindex, Knob::kRule, placed.location}, nic->name, rule.rule.text(),
             "guest " + wish_.guests[rule.guest].name);
      }
    steered_ = std::set<const Nic*>(nics.begin(), nics.end());
  }

  [[nodiscard]] std::vector<uint32_t> cpus_of(const Nic& nic, uint32_t queues) const {
    if (tuning_.cpus.kind == CpuWish::Kind::kKeep) return observed_cpus(host_, nic, log_);
    std::vector<uint32_t> cpus;
    for (uint32_t queue = 0; queue < queues && !cpus_.empty(); ++queue)
      cpus.push_back(cpus_[queue % cpus_.size()]);
    return cpus;
  }

  // ---- coalescing

  // Where a link is down it has no speed, and so no bound of its own. What we set while it had one stays.
  [[nodiscard]] std::optional<std::string> tx_usecs_of_before(const Setting& setting) const {
    const UndoEntry* entry = find_entry(log_, setting);
    const auto value = observed_value(host_, setting);
    return entry && value == entry->set ? std::optional(entry->set) : std::nullopt;
  }

  // <linux/ethtool.h>: "It is illegal to set both usecs and max_frames to zero as this would cause interrupts
  // to never be generated." Only where the NIC has both.
  bool never_interrupts(const Nic& nic, uint32_t index, const std::vector<CoalescingValue>& values,
                        Knob knob) {
    if (tuning_.force || knob < Knob::kRxUsecs || knob > Knob::kTxFrames) return false;
    const bool receive = knob == Knob::kRxUsecs || knob == Knob::kRxFrames;
    bool changes = false;
    for (const Knob one :
         {receive ? Knob::kRxUsecs : Knob::kTxUsecs, receive ? Knob::kRxFrames : Knob::kTxFrames}) {
      const std::string* now = find_setting(host_, {nic.ifindex, one, index});
      const auto wanted = std::ranges::find(values, one, &CoalescingValue::knob);
      if (!now || (wanted == values.end() ? *now : wanted->value) != "0") return false;
      changes = changes || *now != "0";
    }
    if (changes && index == kWholeDevice)
      remark(nic,
             fmt::format("{} is not set: {} would both be 0, and it would never interrupt", name_of(knob),
                         receive ? "rx-usecs and rx-frames" : "tx-usecs and tx-frames"),
             fmt::format("set {} to 1, or force = \"yes\"", receive ? "rx_frames" : "tx_frames"), true);
    return changes;
  }

  // Whether the driver will choose the value itself: it takes another then, and does not keep it.
  bool adapts(const Nic& nic, uint32_t index, const std::vector<CoalescingValue>& values, Knob knob) const {
    if (knob < Knob::kRxUsecs || knob > Knob::kTxFrames) return false;
    const bool receive = knob == Knob::kRxUsecs || knob == Knob::kRxFrames;
    const Setting adaptive{nic.ifindex, receive ? Knob::kAdaptiveRx : Knob::kAdaptiveTx, index};
    if (const auto wanted = std::ranges::find(values, adaptive.knob, &CoalescingValue::knob);
        wanted != values.end())
      return wanted->value == "on";
    const std::string* now = find_setting(host_, adaptive);
    const UndoEntry* entry = find_entry(log_, adaptive);
    if (now && entry && entry->device == nic.name && holder_of(*entry, *now) == Holder::kUs)
      return entry->before == "on";
    return now && *now == "on";
  }

  void want_values(const Nic& nic, uint32_t index, const std::vector<CoalescingValue>& values) {
    for (const CoalescingValue& value : values) {
      const Setting setting{nic.ifindex, value.knob, index};
      if (!find_setting(host_, setting) || never_interrupts(nic, index, values, value.knob)) continue;
      if (adapts(nic, index, values, value.knob)) {
        const bool receive = value.knob == Knob::kRxUsecs || value.knob == Knob::kRxFrames;
        if (index == kWholeDevice)
          remark(nic,
                 fmt::format("{} {} is not set: adaptive moderation is on, and chooses it",
                             name_of(value.knob), value.value),
                 fmt::format("set adaptive_{} = \"off\"", receive ? "rx" : "tx"), true);
        continue;
      }
      if (value.knob == Knob::kTxUsecs && nic.speed_mbps == 0 &&
          tuning_.tx_usecs.kind != NumberWish::Kind::kGiven)
        if (const auto held = tx_usecs_of_before(setting)) {
          want(setting, nic.name, *held, "set when the link had a speed");
          continue;
        }
      want(setting, nic.name, value.value, value.reason);
    }
  }

  void coalesce(const Nic& nic) {
    const TxBound bound = tx_bound(host_.tcp_limit_output_bytes, nic.speed_mbps);
    const std::string name = nic.name.text();
    const auto base = choose_coalescing(tuning_, tuning_.profile, false, bound, name, desire_.remarks);
    want_values(nic, kWholeDevice, base);
    missing_values(nic, base);
    const bool steered = steered_.contains(&nic);
    const auto& profiles = desire_.steering.profile_of_queue;
    if (!nic.per_queue_coalescing) {
      const auto own =
          std::ranges::count_if(profiles, [](const auto& profile) { return profile.has_value(); });
      if (steered && own != 0)
        remark(nic,
               fmt::format("its queues coalesce alike (driver {}): guests' own profiles have no effect",
                           driver_of(nic)),
               "", false);
      return;
    }
    // Values for each queue: the same few over and over.
    std::map<Profile, std::vector<CoalescingValue>> by_profile;
    const uint32_t old_queues = channels_before_us(nic);
    for (uint32_t queue = 0; queue < channels_[nic.ifindex]; ++queue) {
      const auto profile = steered && queue < profiles.size() ? profiles[queue] : std::nullopt;
      const std::vector<CoalescingValue>* values = &base;
      if (profile) {
        const auto [at, is_new] = by_profile.try_emplace(*profile);
        if (is_new) at->second = choose_coalescing(tuning_, *profile, true, bound, name, desire_.remarks);
        values = &at->second;
      }
      want_values(nic, queue, *values);
      if (queue >= old_queues) follow_nic(nic, queue, *values, base);
    }
  }

  [[nodiscard]] uint32_t channels_before_us(const Nic& nic) const {
    const UndoEntry* entry = find_entry(log_, {nic.ifindex, Knob::kChannels, kWholeDevice});
    uint32_t before = UINT32_MAX;
    if (entry && entry->device == nic.name)
      std::from_chars(entry->before.data(), entry->before.data() + entry->before.size(), before);
    return before;
  }

  // A queue that came by our doing has nothing to be kept: what is not wanted of it is as for the NIC.
  void follow_nic(const Nic& nic, uint32_t queue, const std::vector<CoalescingValue>& wanted,
                  const std::vector<CoalescingValue>& base) {
    for (const Knob knob : {Knob::kAdaptiveRx, Knob::kAdaptiveTx, Knob::kRxUsecs, Knob::kRxFrames,
                            Knob::kTxUsecs, Knob::kTxFrames}) {
      const Setting whole{nic.ifindex, knob, kWholeDevice};
      const std::string* now = find_setting(host_, whole);
      if (!now || !find_setting(host_, {nic.ifindex, knob, queue}) ||
          std::ranges::find(wanted, knob, &CoalescingValue::knob) != wanted.end())
        continue;
      const auto of_nic = std::ranges::find(base, knob, &CoalescingValue::knob);
      const UndoEntry* entry = find_entry(log_, whole);
      const bool goes_back = entry && entry->device == nic.name && holder_of(*entry, *now) == Holder::kUs;
      want({nic.ifindex, knob, queue}, nic.name,
           of_nic != base.end() ? of_nic->value
           : goes_back          ? entry->before
                                : *now,
           "as its NIC: the queue is new");
    }
  }

  // A value that the file gives and the NIC has not.
  void missing_values(const Nic& nic, const std::vector<CoalescingValue>& values) {
    std::vector<std::string_view> missing;
    for (const CoalescingValue& value : values)
      if (!find_setting(host_, {nic.ifindex, value.knob, kWholeDevice}))
        missing.push_back(name_of(value.knob));
    if (missing.empty()) return;
    std::string list;
    for (const std::string_view knob : missing) list += (list.empty() ? "" : ", ") + std::string(knob);
    remark(nic, fmt::format("it has no {} (driver {})", list, driver_of(nic)), "", false);
  }

  // ---- queues, taps, the host

  // Queues of low numbers first, on every member. What is banned already, by us or others, stays so.
  void choose_bans() {
    if (cpus_.empty() || !host_.irqbalance || !tuning_.ban_irqbalance) return;
    const auto length = [](uint32_t irq) { return fmt::formatted_size(" {}", irq); };
    size_t used = kBanCommand.size();
    for (const SettingValue& value : host_.settings)
      if (value.setting.knob == Knob::kIrqBan && value.value == "on" &&
          banned_.insert(value.setting.index).second)
        used += length(value.setting.index);
    std::map<const Nic*, std::vector<uint32_t>> left;  // queues
    for (uint32_t queue = 0; queue < most_queues(); ++queue)
      for (const Nic& nic : host_.nics) {
        if (queue >= std::min<size_t>(nic.queues.size(), channels_[nic.ifindex])) continue;
        bool fits = true;
        for (const uint32_t irq : {nic.queues[queue].irq, nic.queues[queue].tx_irq}) {
          if (irq == 0 || banned_.contains(irq)) continue;
          if (used + length(irq) > kLongestBanCommand) {
            fits = false;
            continue;
          }
          used += length(irq);
          banned_.insert(irq);
        }
        if (!fits) left[&nic].push_back(queue);
      }
    for (const auto& [nic, queues] : left)
      remark(
          *nic,
          fmt::format("irqbalance can be told of no more interrupts (its list has {} characters): it goes on "
                      "to move those of the queues {}",
                      kLongestBanCommand, cpu_list_text(queues)),
          fmt::format("start it with --banmod={}, and set tuning.irqbalance = \"keep\"; or stop it",
                      driver_of(*nic)),
          true);
  }

  void serve_queues(const Nic& nic) {
    if (cpus_.empty()) return;
    std::set<uint32_t> seen;
    for (uint32_t queue = 0; queue < std::min<size_t>(nic.queues.size(), channels_[nic.ifindex]); ++queue) {
      // Queues that share an interrupt: the first decides.
      const Queue& of = nic.queues[queue];
      if (of.irq != 0 && seen.insert(of.irq).second) serve_interrupt(nic, of.irq, queue, queue);
      const auto sending = queue + static_cast<uint32_t>(nic.queues.size());
      if (of.tx_irq != 0 && seen.insert(of.tx_irq).second) serve_interrupt(nic, of.tx_irq, queue, sending);
    }
  }

  // `place`: of the NAPI instance that it wakes, if the driver has one for it.
  void serve_interrupt(const Nic& nic, uint32_t irq, uint32_t queue, uint32_t place) {
    const Setting ban{nic.ifindex, Knob::kIrqBan, irq};
    if (host_.irqbalance && tuning_.ban_irqbalance && find_setting(host_, ban)) {
      if (!banned_.contains(irq)) return;  // irqbalance would move it away again and again
      want(ban, nic.name, "on", "irqbalance would move the interrupt away again");
    }
    const Setting affinity{nic.ifindex, Knob::kIrqAffinity, irq};
    if (!find_setting(host_, affinity)) return;
    const bool packed =
        place < nic.napis.size() && mode_of_napi(tuning_, nic, host_, place) == NapiMode::kAuto;
    want(affinity, nic.name, fmt::format("{}", cpu_of_napi(tuning_, nic, host_, cpus_, place)),
         packed ? fmt::format("queue {}: the CPU of its thread", queue)
                : fmt::format("queue {}: the same CPU on every member, so that one CPU fills a guest's tap",
                              queue),
         packed && find_setting(host_, {nic.ifindex, Knob::kThreadCpus, place}) != nullptr);
  }

  void spread_no_more(const Nic& nic, Knob knob) {
    for (const SettingValue& value : settings_of(nic, knob))
      if (value.setting.index < channels_[nic.ifindex])
        want(value.setting, nic.name, "",
             knob == Knob::kRps
                 ? "it hands what passes to the stack to other CPUs, which meet at the tap's lock"
                 : "given in [tuning]");
  }

  // Threads and pollers must not run where the operator did not let them.
  NapiWish modes_with_cpus() {
    if (!cpus_.empty() || tuning_.cpus.kind != CpuWish::Kind::kGiven) return tuning_.napi;
    NapiWish left = without_cpus(tuning_.napi);
    if (left != tuning_.napi)
      desire_.remarks.push_back({"tuning.napi",
                                 fmt::format("\"{}\" takes CPUs, and none of tuning.cpus is online: it is "
                                             "\"{}\" until then",
                                             text_of(tuning_.napi), text_of(left)),
                                 "", false});
    return left;
  }

  // Most likely a slip of the pen.
  void tell_of_queues_nobody_has() {
    size_t there = most_queues();
    for (const Nic& nic : host_.nics) there = std::max(there, nic.queues.size());
    if (there == 0) return;
    for (const NapiWish::Exception& exception : tuning_.napi.exceptions) {
      const std::vector<uint32_t> absent(std::ranges::lower_bound(exception.queues, there),
                                         exception.queues.end());
      if (absent.empty()) continue;
      desire_.remarks.push_back(
          {"tuning.napi",
           fmt::format("{} for queue {}: no member has it", name_of(exception.mode), cpu_list_text(absent)),
           fmt::format("name queues from 0 to {}", there - 1), true});
    }
  }

  void queue_nothing(const std::vector<TunedTap>& taps) {
    if (tuning_.noqueue == NoQueue::kOff) return;
    for (const TunedTap& tap : taps) {
      const Setting setting{tap.ifindex, Knob::kQdisc, kWholeDevice};
      const std::string* kind = find_setting(host_, setting);
      if (!kind) continue;
      // The kernel's default has no handle; with one, somebody chose it.
      if (kind->find(' ') != std::string::npos) {
        desire_.remarks.push_back(
            {tap.name.text(), fmt::format("its qdisc {} was configured by somebody, and stays", *kind),
             fmt::format("to let xdpfwd set it: tc qdisc del dev {} root", tap.name.view()), false});
        continue;
      }
      want(setting, tap.name, "noqueue", "CPUs that deliver to a guest need not wait for a qdisc's lock");
    }
    const Setting setting{0, Knob::kDefaultQdisc, kWholeDevice};
    if (tuning_.noqueue == NoQueue::kHost && find_setting(host_, setting))
      want(setting, {}, "noqueue", "taps to come start without a queue");
  }

  static std::string_view driver_of(const Nic& nic) {
    return nic.driver.empty() ? std::string_view("unknown") : std::string_view(nic.driver);
  }

  const Wish& wish_;
  const TuningSettings& tuning_;
  const HostTuning& host_;
  const UndoLog& log_;
  const std::vector<Setting>& holding_;
  const std::vector<uint32_t>& unpolled_;
  TuningDesire desire_;
  std::map<uint32_t, uint32_t> channels_;  // by ifindex: queues to be
  std::vector<uint32_t> cpus_;             // as choose_cpus() says
  std::set<const Nic*> steered_;
  std::set<uint32_t> banned_;  // interrupts that irqbalance leaves alone, or shall
};

}  // namespace

TuningDesire desire_tuning(const Wish& wish, const HostTuning& observed, const std::vector<TunedTap>& taps,
                           const UndoLog& log, const GuestLoads& loads, const std::vector<Setting>& holding,
                           const std::vector<uint32_t>& unpolled) {
  return HostDesire(wish, observed, log, holding, unpolled).run(taps, loads);
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/verify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "tuning/polls.h"

namespace xdpfwd {
namespace {

// What is measured is not exact: the period, and the NIC's own clock.
constexpr double kTolerance = 1.5;
constexpr double kFewPerSecond = 100;
// Fewer frames say nothing about where they arrive.
constexpr uint64_t kFewFrames = 20;
constexpr double kArrives = 0.95;
// Beyond these, J. Kicinski's advice is worth a try ("IRQ coalescing", 2024).
constexpr double kManyZeroPolls = 0.3;
constexpr double kManyZeroPollsPerSecond = 1000;

double per_second(uint64_t count, const PollsReport& polls) {
  return polls.period_ns == 0 ? 0 : static_cast<double>(count) * 1e9 / static_cast<double>(polls.period_ns);
}

std::string shown(std::string_view value) {
  return value.empty() ? "none" : std::string(value);
}

std::string thing_of(const InterfaceName& device) {
  return device.view().empty() ? "host" : device.text();
}

std::optional<uint64_t> number_at(const HostTuning& host, const Setting& setting) {
  const std::string* value = find_setting(host, setting);
  uint64_t number = 0;
  if (!value || value->empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  return error == std::errc() && end == value->data() + value->size() ? std::optional(number) : std::nullopt;
}

// A queue's own value, or the device's.
std::optional<uint64_t> coalescing_at(const HostTuning& host, uint32_t ifindex, Knob knob, uint32_t queue) {
  if (const auto own = number_at(host, {ifindex, knob, queue})) return own;
  return number_at(host, {ifindex, knob, kWholeDevice});
}

bool is_off(const HostTuning& host, uint32_t ifindex, Knob knob, uint32_t queue) {
  const std::string* own = find_setting(host, {ifindex, knob, queue});
  const std::string* device = find_setting(host, {ifindex, knob, kWholeDevice});
  const std::string* value = own ? own : device;
  return !value || *value == "off";
}

class Verification {
 public:
  Verification(const WantedTuning& wanted, const HostTuning& host, const PollsReport& polls)
      : wanted_(wanted), host_(host), polls_(polls) {}

  std::vector<Finding> run() {
    check_asked();
    check_settings();
    for (const Nic& nic : host_.nics) {
      check_coalescing(nic);
      check_zero_work(nic);
    }
    check_steering();
    check_losses();
    return std::move(findings_);
  }

 private:
  void add(Verdict verdict, std::string check, std::string thing, std::string what, std::string remedy = {}) {
    findings_.push_back({.verdict = verdict,
                         .check = std::move(check),
                         .thing = std::move(thing),
                         .what = std::move(what),
                         .remedy = std::move(remedy)});
  }

  void check_asked() {
    if (!wanted_.held)
      add(Verdict::kWarn, "asked", "tuning", "nobody asked for tuning: what is wanted is not set",
          "xdpctl tune apply");
  }

  // ---- values
  void check_settings() {
    struct Count {
      size_t kept = 0;
      size_t other = 0;
    };
    std::map<std::string, Count> counts;
    for (const DesiredSetting& desired : wanted_.settings) {
      Count& count = counts[thing_of(desired.device)];
      const auto value = observed_value(host_, desired.setting);
      if (value && *value == desired.value) {
        ++count.kept;
        continue;
      }
      ++count.other;
      tell_other_value(desired, value);
    }
    for (const auto& [thing, count] : counts)
      if (count.other == 0)
        add(Verdict::kPass, "settings", thing, fmt::format("all {} values read back as wanted", count.kept));
  }

  void tell_other_value(const DesiredSetting& desired, std::optional<std::string_view> value) {
    const auto refused = std::ranges::find(wanted_.refused, desired.setting, &RefusedValue::setting);
    const std::string thing = thing_of(desired.device);
    const std::string check(name_of(desired.setting.knob));
    if (refused != wanted_.refused.end()) {
      const Nic* nic = find_nic(host_, desired.setting.ifindex);
      // The driver is named: it is what an operator can exchange or report.
      add(Verdict::kFail, check, thing,
          nic ? fmt::format("driver {}: {}", nic->driver, refused->why) : refused->why,
          "leave it alone in [tuning], or use another driver or NIC");
      return;
    }
    add(wanted_.held ? Verdict::kFail : Verdict::kWarn, check, thing,
        value ? fmt::format("{} is {}, and {} is wanted", text_of(desired.setting), shown(*value),
                            shown(desired.value))
              : fmt::format("{} is wanted to be {}, and is not there", text_of(desired.setting),
                            shown(desired.value)),
        wanted_.held ? "xdpctl tune status says whether somebody else sets it" : "xdpctl tune apply");
  }

  // ---- effect
  // The most interrupts that the values in force allow a queue each second, for receiving and for sending.
  // Nothing where the driver chooses, or where a delay of 0 allows any number.
  struct Bound {
    std::optional<double> receiving;
    std::optional<double> delays;  // of sending: those that the delay ends
    double frames = 0;             // by how many frames one more is sent; 0: by none
  };
  [[nodiscard]] Bound bound_of(const Nic& nic, uint32_t queue, double received) const {
    const auto value = [&](Knob knob) {
      return static_cast<double>(coalescing_at(host_, nic.ifindex, knob, queue).value_or(0));
    };
    Bound bound;
    const double rx_usecs = value(Knob::kRxUsecs), rx_frames = value(Knob::kRxFrames);
    if (rx_usecs > 0 && is_off(host_, nic.ifindex, Knob::kAdaptiveRx, queue))
      bound.receiving = 1e6 / rx_usecs + (rx_frames > 0 ? received / rx_frames : 0);
    const double tx_usecs = value(Knob::kTxUsecs);
    if (tx_usecs > 0 && is_off(host_, nic.ifindex, Knob::kAdaptiveTx, queue)) bound.delays = 1e6 / tx_usecs;
    bound.frames = value(Knob::kTxFrames);
    return bound;
  }

  // What was seen of some queues, and what is allowed. It is not counted which of them sent: all that the NIC
  // sent may have been this queue's, and is that of all together once only.
  struct Effect {
    std::string of;  // "queue 3"
    double interrupts = 0;
    double empty_polls = 0;
    double receiving = 0;  // allowed
    double sending = 0;
    bool counted = true;  // the interrupts, and receiving has a bound
    std::optional<uint64_t> tx_usecs;
    std::optional<uint64_t> rx_usecs;
  };

  bool tell(const Nic& nic, const Effect& effect) {
    const double all = effect.receiving + effect.sending;
    const bool too_many = effect.counted && effect.interrupts > kTolerance * all + kFewPerSecond;
    // A poll without a packet is what a transmit interrupt makes. Timers make some too, so this alone is no
    // proof.
    const bool too_empty = effect.empty_polls > kTolerance * effect.sending + kFewPerSecond;
    if (!too_many && !too_empty) return false;
    const std::string_view knob = name_of(too_empty ? Knob::kTxUsecs : Knob::kRxUsecs);
    const auto usecs = too_empty ? effect.tx_usecs : effect.rx_usecs;
    add(too_many ? Verdict::kFail : Verdict::kWarn, std::string(knob), nic.name.text(),
        fmt::format("driver {}: {} of {} reads {}, which allows {:.0f} {} each second, and there were "
                    "{:.0f}: it has no "
                    "effect",
                    nic.driver, knob, effect.of, usecs.value_or(0), too_many ? all : effect.sending,
                    too_many ? "interrupts" : "polls without a packet",
                    too_many ? effect.interrupts : effect.empty_polls),
        "report it to the driver's maintainers; leave it alone in [tuning]");
    return true;
  }

  void check_coalescing(const Nic& nic) {
    const auto sent_at = std::ranges::find(polls_.sent, nic.name.text(), &SentReport::device);
    const double sent = sent_at == polls_.sent.end() ? 0 : per_second(sent_at->packets, polls_);
    size_t seen = 0;
    size_t told = 0;
    bool exceeded = false;
    Effect sum{.of = "all queues together"};
    double fewest_frames = 0;
    for (const QueueReport& queue : polls_.queues) {
      if (queue.device != nic.name.text() || !queue.queue) continue;
      ++seen;
      const double received = per_second(std::max(queue.packets, queue.received.value_or(0)), polls_);
      const Bound bound = bound_of(nic, *queue.queue, received);
      // Without a bound of sending, an empty poll and an interrupt of any number may be its.
      if (!bound.delays) continue;
      ++told;
      const auto usecs = [&](Knob knob) { return coalescing_at(host_, nic.ifindex, knob, *queue.queue); };
      const Effect effect{.of = fmt::format("queue {}", *queue.queue),
                          .interrupts = per_second(queue.interrupts.value_or(0), polls_),
                          .empty_polls = per_second(queue.by_work[0], polls_),
                          .receiving = bound.receiving.value_or(0),
                          .sending = *bound.delays + (bound.frames > 0 ? sent / bound.frames : 0),
                          .counted = queue.interrupts && bound.receiving,
                          .tx_usecs = usecs(Knob::kTxUsecs),
                          .rx_usecs = usecs(Knob::kRxUsecs)};
      exceeded = tell(nic, effect) || exceeded;
      sum.interrupts += effect.interrupts;
      sum.empty_polls += effect.empty_polls;
      sum.receiving += effect.receiving;
      sum.sending += *bound.delays;
      sum.counted = sum.counted && effect.counted;
      sum.tx_usecs = effect.tx_usecs;
      sum.rx_usecs = effect.rx_usecs;
      if (bound.frames > 0 && (fewest_frames == 0 || bound.frames < fewest_frames))
        fewest_frames = bound.frames;
    }
    // Each may be within what the NIC sent, and all together not.
    if (fewest_frames > 0) sum.sending += sent / fewest_frames;
    if (told > 1 && !exceeded) exceeded = tell(nic, sum);
    if (told != 0 && !exceeded)
      add(Verdict::kPass, "coalescing", nic.name.text(),
          fmt::format("{} queues have no more {} than their values allow", told,
                      sum.counted ? "interrupts and empty polls" : "empty polls"));
    if (told < seen && number_at(host_, {nic.ifindex, Knob::kTxUsecs, kWholeDevice}))
      add(Verdict::kPass, "coalescing", nic.name.text(),
          fmt::format(
              "of {} queues nothing can be told: the driver chooses the delay of sending, or there is "
              "none",
              seen - told));
  }

  void check_zero_work(const Nic& nic) {
    const QueueReport sum = sum_of(polls_, nic.name.text());
    const uint64_t all = sum.polls();
    if (all == 0) return;
    const double share = static_cast<double>(sum.by_work[0]) / static_cast<double>(all);
    const bool many = share > kManyZeroPolls && per_second(sum.by_work[0], polls_) > kManyZeroPollsPerSecond;
    add(many ? Verdict::kWarn : Verdict::kPass, "zero-work", nic.name.text(),
        fmt::format("{:.1f} % of {:.0f} polls each second took no packet", 100 * share,
                    per_second(all, polls_)),
        many ? fmt::format("xdpctl tune suggest tx-coalesce {}", nic.name.view()) : std::string());
  }

  // ---- steering
  void check_steering() {
    // By NIC and tap: the queues that the rules name. A tap of several guests may have several.
    std::map<std::pair<std::string, std::string>, std::set<uint32_t>> queues;
    std::map<MacAddress, std::set<std::string>> taps_of;
    for (const GuestWish& guest : wanted_.guests)
      for (const MacAddress& mac : guest.macs) taps_of[mac].insert(guest.tap.text());
    for (const DesiredSetting& desired : wanted_.settings) {
      if (desired.setting.knob != Knob::kRule) continue;
      const auto rule = SteeringRule::parse(desired.value);
      const auto value = observed_value(host_, desired.setting);
      if (!rule || !value || *value != desired.value) continue;  // said already
      for (const std::string& tap : taps_of[rule->mac])
        queues[{desired.device.text(), tap}].insert(rule->queue);
    }
    for (const auto& [place, expected] : queues) check_arrival(place.first, place.second, expected);
  }

  void check_arrival(const std::string& device, const std::string& tap, const std::set<uint32_t>& expected) {
    uint64_t all = 0;
    uint64_t right = 0;
    uint64_t unknown = 0;
    for (const DeliveryReport& delivery : polls_.delivered) {
      if (delivery.device != device || delivery.tap != tap) continue;
      const uint64_t frames = delivery.taken + delivery.lost;
      all += frames;
      if (!delivery.queue)
        unknown += frames;
      else if (expected.contains(*delivery.queue))
        right += frames;
    }
    if (all == 0) return;  // it says nothing, and 500 guests that are silent say it 500 times
    const std::string thing = fmt::format("{} to {}", device, tap);
    const std::string queues = fmt::format("queue {}", fmt::join(expected, " or "));
    if (unknown == all) {
      add(Verdict::kWarn, "steering", thing,
          "nobody tells which queue the NAPI instances serve, so it is not known where frames arrive",
          "a kernel since 6.8, and a driver that tells it");
      return;
    }
    const double share = static_cast<double>(right) / static_cast<double>(all);
    const std::string what =
        fmt::format("{:.1f} % of {} frames arrived by {}, as the rule says", 100 * share, all, queues);
    if (share >= kArrives)
      add(Verdict::kPass, "steering", thing, what);
    else
      add(all < kFewFrames ? Verdict::kWarn : Verdict::kFail, "steering", thing, what,
          fmt::format(
              "ethtool -n {}: another rule may come first, or the driver takes rules and ignores them",
              device));
  }

  // ---- losses
  void check_losses() {
    add(polls_.backlog_dropped == 0 ? Verdict::kPass : Verdict::kWarn, "softnet", "host",
        fmt::format("the stack's backlog dropped {} packets", polls_.backlog_dropped),
        polls_.backlog_dropped == 0 ? "" : "sysctl -w net.core.netdev_max_backlog=10000; is RPS on?");
    if (polls_.budget_exhausted != 0)
      add(Verdict::kWarn, "softnet", "host",
          fmt::format("{} softirqs ended with work left over", polls_.budget_exhausted),
          "more queues on more CPUs; or sysctl -w net.core.netdev_budget=600");
    std::map<std::string, std::pair<uint64_t, uint64_t>> lost;  // and taken
    for (const DeliveryReport& delivery : polls_.delivered) {
      lost[delivery.tap].first += delivery.lost;
      lost[delivery.tap].second += delivery.taken;
    }
    for (const auto& [tap, counts] : lost)
      if (counts.first != 0)
        add(Verdict::kWarn, "tap-ring", tap,
            fmt::format("{} of {} frames were lost: the guest reads too slowly, or its ring is too short",
                        counts.first, counts.first + counts.second),
            fmt::format("ip link set {} txqueuelen 4096", tap));
    if (polls_.uncounted != 0)
      add(Verdict::kWarn, "measurement", "host",
          fmt::format("{} polls or deliveries are not in the counts", polls_.uncounted));
  }

  const WantedTuning& wanted_;
  const HostTuning& host_;
  const PollsReport& polls_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> verify_tuning(const WantedTuning& wanted, const HostTuning& host,
                                   const PollsReport& polls) {
  return Verification(wanted, host, polls).run();
}

}  // namespace xdpfwd

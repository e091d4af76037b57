// SPDX-License-Identifier: BSD-2-Clause
#include "packer/model/synthetic_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <numbers>

#include "packer/model/random.h"

namespace xdpfwd::packer {
namespace {

constexpr uint32_t kMostQueues = 4096;
constexpr uint32_t kMostGuests = 100'000;
constexpr uint32_t kKnot = 10;     // steps between which rates are straight lines
constexpr double kBurst = 16;      // frames that arrive together, on average
constexpr double kWander = 0.2;    // standard deviation of the logarithm of a guest's rate,
constexpr double kWanderTime = 3;  // which it forgets in this many seconds

// One flow of a guest: RSS hashes it to one queue.
struct Flow {
  uint32_t queue;
  double share;  // of its guest's rate
};

struct Guest {
  double weight;  // its mean rate, CPUs
  std::vector<Flow> flows;
  double wander = 0;
  bool on = true;    // of on-off
  double until = 0;  // when it changes
  bool in_crowd = false;
};

struct Event {  // a flash crowd or an elephant
  double start = 0;
  double rise = 0.2;
  double plateau = 5;
  double fall = 2;    // time constant
  double height = 1;  // factor over 1, or CPUs
  uint32_t queue = 0;

  [[nodiscard]] double at(double time) const {
    const double age = time - start;
    if (age <= 0) return 0;
    if (age < rise) return height * age / rise;
    if (age < rise + plateau) return height;
    return height * std::exp(-(age - rise - plateau) / fall);
  }
};

class Synthetic : public Trace {
 public:
  Synthetic(const SyntheticSettings& settings, uint32_t seconds)
      : settings_(settings),
        random_(settings.seed),
        seconds_(seconds),
        cost_(settings.queues, settings.cost_ns),
        from_(settings.queues),
        to_(settings.queues) {
    for (float& value : noise_) value = static_cast<float>(random_.normal());
    make_guests();
  }

  [[nodiscard]] size_t napis() const override { return settings_.queues; }
  [[nodiscard]] uint64_t steps() const override { return uint64_t{seconds_} * kStepsPerSecond; }
  [[nodiscard]] std::span<const float> cost_ns() const override { return cost_; }

  void next(std::span<float> frames) override {
    if (step_ == 0) knot(0, to_);
    if (step_ % kKnot == 0) {
      from_ = to_;
      std::ranges::fill(to_, 0.0);
      knot(static_cast<double>(step_ + kKnot) / kStepsPerSecond, to_);
    }
    const double at = static_cast<double>(step_ % kKnot) / kKnot;
    const double frames_per_cpu = 1e9 / kStepsPerSecond / static_cast<double>(settings_.cost_ns);
    for (size_t queue = 0; queue < frames.size(); ++queue) {
      const double mean = (from_[queue] * (1 - at) + to_[queue] * at) * frames_per_cpu;
      // Bursts of geometric size, arriving independently: variance = mean * (2 * burst - 1).
      const double spread = std::sqrt(mean * (2 * kBurst - 1));
      const auto noise = static_cast<double>(noise_[random_.next() % std::size(noise_)]);
      frames[queue] = static_cast<float>(std::max(0.0, mean + spread * noise));
    }
    ++step_;
  }

 protected:
  // The rates of all queues at a time, in CPUs, added to `rates`. Times only grow.
  virtual void knot(double time, std::vector<double>& rates) { add_guests(time, 1, rates); }
  // What a guest's mean rate is multiplied with.
  virtual double factor(Guest&, double /*time*/) { return 1; }

  void add_guests(double time, double scale, std::vector<double>& rates) {
    const double passed = static_cast<double>(kKnot) / kStepsPerSecond;
    const double kept = std::exp(-passed / kWanderTime);
    const double stirred = kWander * std::sqrt(1 - kept * kept);
    for (Guest& guest : guests_) {
      guest.wander = guest.wander * kept + stirred * random_.normal();
      // Its mean is 1: the mean of a log-normal is exp(variance / 2).
      const double rate =
          scale * guest.weight * factor(guest, time) * std::exp(guest.wander - kWander * kWander / 2);
      for (const Flow& flow : guest.flows) rates[flow.queue] += rate * flow.share;
    }
  }

  SyntheticSettings settings_;
  Random random_;
  uint32_t seconds_;
  std::vector<Guest> guests_;

 private:
  void make_guests() {
    double sum = 0;
    guests_.resize(settings_.guests);
    for (Guest& guest : guests_) {
      guest.weight = std::exp(std::clamp(0.8 * random_.normal(), -1.6, 1.6));
      sum += guest.weight;
      const uint64_t flows = 2 + random_.below(15);
      double shares = 0;
      for (uint64_t i = 0; i < flows; ++i) {
        const double share = random_.between(0.2, 1);
        guest.flows.push_back({static_cast<uint32_t>(random_.below(settings_.queues)), share});
        shares += share;
      }
      for (Flow& flow : guest.flows) flow.share /= shares;
      guest.wander = kWander * random_.normal();
    }
    for (Guest& guest : guests_) guest.weight *= settings_.load / sum;
  }

  std::vector<float> cost_;
  std::vector<double> from_, to_;
  float noise_[1 << 14];
  uint64_t step_ = 0;
};

// A day in the trace's length, from 40 % to 160 % of the mean.
class Diurnal final : public Synthetic {
  using Synthetic::Synthetic;
  void knot(double time, std::vector<double>& rates) override {
    const double day = 2 * std::numbers::pi * time / seconds_;
    add_guests(time, 1 - 0.6 * std::cos(day), rates);
  }
};

// Every 20 to 40 s, 30 % of the guests get 2.5 to 3.5 times their traffic within 0.1 to 0.5 s, for 5 to 12 s.
class FlashCrowd final : public Synthetic {
 public:
  FlashCrowd(const SyntheticSettings& settings, uint32_t seconds) : Synthetic(settings, seconds) {
    event_.start = -1e9;
    next_ = random_.between(12, 20);
  }

 private:
  void knot(double time, std::vector<double>& rates) override {
    if (time >= next_) {
      event_ = {.start = time,
                .rise = random_.between(0.1, 0.5),
                .plateau = random_.between(5, 12),
                .fall = 2,
                .height = random_.between(1.5, 2.5)};
      for (Guest& guest : guests_) guest.in_crowd = random_.uniform() < 0.3;
      next_ = time + random_.between(20, 40);
    }
    add_guests(time, 1, rates);
  }
  double factor(Guest& guest, double time) override { return guest.in_crowd ? 1 + event_.at(time) : 1; }
  Event event_;
  double next_;
};

// Single flows of 0.15 to 0.45 CPUs start within 20 ms, each on a queue that has none, and stay for 2 to 8 s.
// Together they are about half of the load.
class Elephant final : public Synthetic {
  using Synthetic::Synthetic;
  void knot(double time, std::vector<double>& rates) override {
    add_guests(time, 0.5, rates);
    std::erase_if(events_,
                  [&](const Event& event) { return time > event.start + 1 && event.at(time) < 0.001; });
    while (time >= next_) {
      // The mean one is 0.3 CPUs for 5 s.
      next_ += random_.exponential(0.3 * 5 / (0.5 * settings_.load));
      const auto queue = static_cast<uint32_t>(random_.below(settings_.queues));
      const Event event{.start = time,
                        .rise = 0.02,
                        .plateau = random_.between(2, 8),
                        .fall = 0.1,
                        .height = random_.between(0.15, 0.45),
                        .queue = queue};
      if (std::ranges::find(events_, queue, &Event::queue) == events_.end()) events_.push_back(event);
    }
    for (const Event& event : events_) rates[event.queue] += event.at(time);
  }
  std::vector<Event> events_;
  double next_ = 0;
};

// Each guest is on for 4 s and off for 4 s, on average, on its own.
class OnOff final : public Synthetic {
  using Synthetic::Synthetic;
  double factor(Guest& guest, double time) override {
    while (time >= guest.until) {
      guest.on = guest.until > 0 ? !guest.on : random_.uniform() < 0.5;
      guest.until = std::max(guest.until, time) + random_.exponential(4);
    }
    return guest.on ? 2 : 0;
  }
};

// Queues in two halves: while one is at 170 % of the mean the other is at 30 %, and then the other way round,
// with a period from below the control interval to beyond every window, each for a while.
class Oscillation final : public Synthetic {
  using Synthetic::Synthetic;
  void knot(double time, std::vector<double>& rates) override {
    static constexpr double kPeriods[] = {0.15, 0.4, 1.1, 3.3, 6.7, 10.1, 0.4, 3.3, 6.7, 1.1, 13.0};
    const double for_each = std::max(1.0, static_cast<double>(seconds_) / std::size(kPeriods));
    const auto which = static_cast<size_t>(time / for_each) % std::size(kPeriods);
    const bool first = std::fmod(time, kPeriods[which]) < kPeriods[which] / 2;
    add_guests(time, 1, rates);
    for (size_t queue = 0; queue < rates.size(); ++queue)
      rates[queue] *= (queue % 2 == 0) == first ? 1.7 : 0.3;
  }
};

template <typename T>
std::unique_ptr<Trace> make(const SyntheticSettings& settings, uint32_t seconds) {
  return std::make_unique<T>(settings, seconds);
}

struct Maker {
  SyntheticKind kind;
  std::unique_ptr<Trace> (*make)(const SyntheticSettings&, uint32_t);
};

const Maker kMakers[] = {
    {{"steady", "every guest at its own rate, which wanders a little", 60}, make<Synthetic>},
    {{"diurnal", "a day in five minutes: 40 % to 160 % of the mean", 300}, make<Diurnal>},
    {{"flash-crowd", "now and then 30 % of the guests get a multiple, within half a second", 120},
     make<FlashCrowd>},
    {{"elephant", "half of the load is single flows that come and go", 60}, make<Elephant>},
    {{"on-off", "every guest is on or off for some seconds", 60}, make<OnOff>},
    {{"oscillation", "half of the queues up, half down, and back, at periods meant to hurt", 110},
     make<Oscillation>},
};

}  // namespace

const std::vector<SyntheticKind>& synthetic_kinds() {
  static const std::vector<SyntheticKind> kinds = [] {
    std::vector<SyntheticKind> all;
    for (const Maker& maker : kMakers) all.push_back(maker.kind);
    return all;
  }();
  return kinds;
}

Result<std::unique_ptr<Trace>> make_synthetic(std::string_view name, const SyntheticSettings& settings) {
  if (settings.queues == 0 || settings.queues > kMostQueues || settings.guests == 0 ||
      settings.guests > kMostGuests)
    return fail(
        fmt::format("a trace of {} queues and {} guests cannot be made", settings.queues, settings.guests),
        fmt::format("give from 1 to {} queues and from 1 to {} guests", kMostQueues, kMostGuests));
  if (!(settings.load > 0) || !(settings.cost_ns > 0))
    return fail("a trace without load cannot be made", "give a load above 0");
  for (const Maker& maker : kMakers)
    if (maker.kind.name == name)
      return maker.make(settings, settings.seconds != 0 ? settings.seconds : maker.kind.seconds);
  return fail(fmt::format("there is no trace '{}'", name));
}

}  // namespace xdpfwd::packer

// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/coalescing.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/guest_fields.h"

namespace xdpfwd {
namespace {

// 150 us and 128 frames are what the article that derives the bound ends with.
constexpr uint32_t kTxUsecs = 150;
constexpr uint32_t kTxFrames = 128;
// NAPI's budget: a poll takes no more frames than that, so that waiting for more gains nothing.
constexpr uint32_t kPollBudget = 64;

constexpr uint32_t kNeverAbove = 200;  // microseconds
constexpr uint64_t kLimitIfUnknown = 1048576;
constexpr uint32_t kSpeedIfUnknown = 100000;

struct Row {
  Knob knob;
  NumberWish TuningSettings::* wish;
  uint32_t Coalescing::* value;
  bool receive;
};
constexpr Row kRows[] = {
    {Knob::kRxUsecs, &TuningSettings::rx_usecs, &Coalescing::rx_usecs, true},
    {Knob::kRxFrames, &TuningSettings::rx_frames, &Coalescing::rx_frames, true},
    {Knob::kTxUsecs, &TuningSettings::tx_usecs, &Coalescing::tx_usecs, false},
    {Knob::kTxFrames, &TuningSettings::tx_frames, &Coalescing::tx_frames, false},
};

std::string_view why(Knob knob, Profile profile) {
  if (knob == Knob::kTxUsecs || knob == Knob::kTxFrames)
    return "completions are no latency that a guest feels, each one less saves an interrupt";
  switch (profile) {
    case Profile::kLatency:
      return "a frame interrupts at once; under load polling goes on without interrupts anyway";
    case Profile::kThroughput:
      return "as many frames as one poll takes";
    default:
      return "a few frames for each interrupt, at the cost of a few microseconds";
  }
}

struct Adaptive {
  Switch wish;
  Knob knob;
};

// The value of an adaptive knob, or nothing to say.
void append_adaptive(std::vector<CoalescingValue>& values, const Adaptive& adaptive, Profile profile) {
  switch (adaptive.wish) {
    case Switch::kKeep:
      return;
    case Switch::kOn:
      values.push_back({adaptive.knob, "on", "given in [tuning]"});
      return;
    case Switch::kOff:
      values.push_back({adaptive.knob, "off", "given in [tuning]"});
      return;
    case Switch::kAuto:
      if (profile != Profile::kNone)
        values.push_back(
            {adaptive.knob, "off", "the driver would choose other values, and take CPU time for it"});
  }
}

}  // namespace

std::string profile_name(Profile profile) {
  return std::string(profile_text(profile));
}

Coalescing coalescing_of(Profile profile) {
  switch (profile) {
    case Profile::kLatency:
      // 0 usecs and 0 frames would mean "never" to some drivers: <linux/ethtool.h> asks for 1 frame.
      return {.rx_usecs = 0, .rx_frames = 1, .tx_usecs = kTxUsecs, .tx_frames = kTxFrames};
    case Profile::kThroughput:
      return {.rx_usecs = 50, .rx_frames = kPollBudget, .tx_usecs = kTxUsecs, .tx_frames = kTxFrames};
    default:
      // What mlx5 starts with where it does not adapt (en.h).
      return {.rx_usecs = 16, .rx_frames = 32, .tx_usecs = kTxUsecs, .tx_frames = kTxFrames};
  }
}

TxBound tx_bound(uint64_t tcp_limit_output_bytes, uint32_t speed_mbps) {
  const uint64_t limit = tcp_limit_output_bytes == 0 ? kLimitIfUnknown : tcp_limit_output_bytes;
  const uint32_t speed = speed_mbps == 0 ? kSpeedIfUnknown : speed_mbps;
  // Bits by megabits per second are microseconds. The limit is an int in the kernel.
  const uint64_t drained = std::min<uint64_t>(limit, INT32_MAX) * 8 / speed;
  const uint64_t usecs = std::min<uint64_t>(drained / 2, kNeverAbove);
  return {
      static_cast<uint32_t>(usecs),
      fmt::format("at {} Mb/s{} the {} bytes of tcp_limit_output_bytes{} are sent in {} us; half of that, "
                  "and never above {} us: {} us",
                  speed, speed_mbps == 0 ? " (assumed)" : "", limit,
                  tcp_limit_output_bytes == 0 ? " (assumed)" : "", drained, kNeverAbove, usecs)};
}

std::vector<CoalescingValue> choose_coalescing(const TuningSettings& tuning, Profile profile,
                                               bool own_profile, const TxBound& bound,
                                               const std::string& device, std::vector<Remark>& remarks) {
  std::vector<CoalescingValue> values;
  append_adaptive(values, {tuning.adaptive_rx, Knob::kAdaptiveRx}, profile);
  append_adaptive(values, {tuning.adaptive_tx, Knob::kAdaptiveTx}, profile);
  const Coalescing chosen = coalescing_of(profile);
  for (const Row& row : kRows) {
    NumberWish wish = tuning.*row.wish;
    if (own_profile && wish.kind == NumberWish::Kind::kGiven) wish = {NumberWish::Kind::kAuto, 0};
    const bool given = wish.kind == NumberWish::Kind::kGiven;
    if (wish.kind == NumberWish::Kind::kKeep || (!given && profile == Profile::kNone)) continue;
    if ((row.receive ? tuning.adaptive_rx : tuning.adaptive_tx) == Switch::kOn) {
      if (given)
        remarks.push_back({device,
                           fmt::format("{} = {} has no effect while adaptive moderation is on",
                                       name_of(row.knob), wish.given),
                           fmt::format("remove it, or adaptive_{} = \"on\"", row.receive ? "rx" : "tx"),
                           true});
      continue;
    }
    const bool bounded = row.knob == Knob::kTxUsecs;
    if (given) {
      if (bounded && wish.given > bound.usecs && !tuning.force) {
        remarks.push_back({device,
                           fmt::format("tx-usecs {} is not set: TCP could stall ({})", wish.given, bound.why),
                           fmt::format("set tx_usecs to {} or less, or force = \"yes\"", bound.usecs), true});
        continue;
      }
      values.push_back({row.knob, fmt::format("{}", wish.given), "given in [tuning]"});
      continue;
    }
    const uint32_t value = chosen.*row.value;
    if (bounded && value > bound.usecs)
      values.push_back(
          {row.knob, fmt::format("{}", bound.usecs), "the longest that TCP can wait: " + bound.why});
    else
      values.push_back({row.knob, fmt::format("{}", value),
                        fmt::format("profile {}: {}", profile_name(profile), why(row.knob, profile))});
  }
  return values;
}

}  // namespace xdpfwd

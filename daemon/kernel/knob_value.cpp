// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/knob_value.h"

#include <fmt/format.h>

#include <charconv>

#include "core/cpus.h"
#include "core/napi_wish.h"

namespace xdpfwd {
namespace {

Result<std::string> canonical_cpus(std::string_view value) {
  const auto cpus = parse_cpu_list(value);
  if (!cpus) return std::unexpected(cpus.error());
  return cpu_list_text(*cpus);
}

Result<std::string> canonical_number(std::string_view value) {
  const auto number = parse_number(value);
  if (!number) return std::unexpected(number.error());
  return fmt::format("{}", *number);
}

Result<std::string> canonical_switch(std::string_view value) {
  const auto on = parse_switch(value);
  if (!on) return std::unexpected(on.error());
  return std::string(switch_text(*on));
}

// Of a NAPI instance: a thread of its own, one that never sleeps (6.19), or none.
Result<std::string> canonical_threaded(std::string_view value) {
  if (value == kBusyPollText) return std::string(value);
  return canonical_switch(value);
}

// The kernel's file takes 64 bits, and so may be what was there before us.
Result<std::string> canonical_nanoseconds(std::string_view value) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || error != std::errc() || end != value.data() + value.size())
    return fail(fmt::format("'{}' is no number", value), "a whole number of nanoseconds", EINVAL);
  return fmt::format("{}", number);
}

Result<std::string> canonical_schedule(std::string_view value) {
  const auto schedule = parse_thread_schedule(value);
  if (!schedule) return std::unexpected(schedule.error());
  return schedule->text();
}

Result<std::string> canonical_rule(std::string_view value) {
  if (value.empty()) return std::string();
  const auto rule = SteeringRule::parse(value);
  if (!rule) return fail(rule.error().message, "write it as 'MAC [vlan ID] queue NUMBER'", EINVAL);
  return rule->text();
}

}  // namespace

Result<uint32_t> parse_number(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    return fail(fmt::format("'{}' is no number", text), "a whole number from 0 to 4294967295", EINVAL);
  return value;
}

Result<bool> parse_switch(std::string_view text) {
  if (text == "on") return true;
  if (text == "off") return false;
  return fail(fmt::format("'{}' is neither 'on' nor 'off'", text), "write one of them", EINVAL);
}

std::string_view switch_text(bool on) {
  return on ? "on" : "off";
}

Result<std::string> canonical_value(Knob knob, std::string_view value) {
  switch (knob) {
    case Knob::kLro:
    case Knob::kHwGro:
    case Knob::kAdaptiveRx:
    case Knob::kAdaptiveTx:
    case Knob::kIrqBan:
      return canonical_switch(value);
    case Knob::kChannels:
      // Where a driver counts them apart, they may be "rx 4 tx 2": channels.h.
      return value.starts_with("rx ") ? std::string(value) : canonical_number(value);
    case Knob::kRxRing:
    case Knob::kTxRing:
    case Knob::kRxUsecs:
    case Knob::kRxFrames:
    case Knob::kTxUsecs:
    case Knob::kTxFrames:
      return canonical_number(value);
    case Knob::kRule:
      return canonical_rule(value);
    case Knob::kNapiThreaded:
      return canonical_threaded(value);
    case Knob::kNapiDefer:
      return canonical_number(value);
    case Knob::kGroFlush:
      return canonical_nanoseconds(value);
    case Knob::kThreadSched:
      return canonical_schedule(value);
    case Knob::kThreadCpus:
    case Knob::kIrqAffinity:
    case Knob::kRps:
    case Knob::kXps:
      return canonical_cpus(value);
    case Knob::kQdisc:
    case Knob::kDefaultQdisc:
      if (value.empty() || value.find('\n') != std::string_view::npos)
        return fail("a qdisc needs a name", "'noqueue', 'fq_codel'", EINVAL);
      return std::string(value);
  }
  return fail("there is no such knob", {}, EINVAL);
}

}  // namespace xdpfwd

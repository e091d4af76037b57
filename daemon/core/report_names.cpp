// SPDX-License-Identifier: BSD-2-Clause
#include "core/report_names.h"

#include <linux/bpf.h>

namespace xdpfwd {
namespace {

constexpr std::array<NamedCounter, XDPFWD_REASON_COUNT> kReasons = {{
#define X(name, text, verdict, help) {#text, help},
    XDPFWD_REASONS(X)
#undef X
}};
constexpr std::array<int, XDPFWD_REASON_COUNT> kVerdicts = {
#define X(name, text, verdict, help) verdict,
    XDPFWD_REASONS(X)
#undef X
};
constexpr std::array<NamedCounter, XDPFWD_LOSS_COUNT> kLosses = {{
#define X(name, text, help) {#text, help},
    XDPFWD_LOSSES(X)
#undef X
}};

// In the order of the enums.
constexpr std::array<std::string_view, 7> kPortStates = {"open",      "missing", "down",   "no_reader",
                                                         "not_a_tap", "no_slot", "pending"};
constexpr std::array<std::string_view, 7> kPortStateHelp = {
    "frames are redirected to it",
    "the interface does not exist; it is followed as soon as it appears",
    "the interface is down: ip link set dev TAP up",
    "no process reads it: the VM is not running, or vhost is not connected",
    "the interface is no tap",
    "all port slots are in use",
    "it is being opened",
};
constexpr std::array<std::string_view, 3> kGuestSources = {"file", "control", "ephemeral"};
constexpr std::array<std::string_view, 2> kFlavours = {"frame", "hint"};
constexpr std::array<std::string_view, 2> kXdpModes = {"native", "generic"};
constexpr std::array<std::string_view, 3> kPromiscs = {"off", "xdpfwd", "others"};
constexpr std::array<std::string_view, 3> kTuningApplies = {"off", "manual", "auto"};

// A value of the wire or of a newer header is never used as an index unchecked.
template <typename T>
std::string_view name_in(std::span<const std::string_view> names, T value) {
  const auto index = static_cast<size_t>(value);
  return index < names.size() ? names[index] : "unknown";
}

}  // namespace

std::span<const NamedCounter> reasons() {
  return kReasons;
}
std::span<const NamedCounter> losses() {
  return kLosses;
}

std::string_view verdict_of_reason(size_t reason) {
  switch (kVerdicts.at(reason)) {
    case XDP_REDIRECT:
      return "redirect";
    case XDP_PASS:
      return "pass";
    default:
      return "drop";
  }
}

template <>
std::span<const std::string_view> names_of<PortState>() {
  return kPortStates;
}
template <>
std::span<const std::string_view> names_of<GuestSource>() {
  return kGuestSources;
}
template <>
std::span<const std::string_view> names_of<Flavour>() {
  return kFlavours;
}
template <>
std::span<const std::string_view> names_of<XdpMode>() {
  return kXdpModes;
}
template <>
std::span<const std::string_view> names_of<Promisc>() {
  return kPromiscs;
}
template <>
std::span<const std::string_view> names_of<Verdict>() {
  static constexpr std::array<std::string_view, 3> kNames = {"pass", "warn", "fail"};
  return kNames;
}
template <>
std::span<const std::string_view> names_of<TuningApply>() {
  return kTuningApplies;
}

std::string_view name_of(PortState state) {
  return name_in(kPortStates, state);
}
std::string_view name_of(GuestSource source) {
  return name_in(kGuestSources, source);
}
std::string_view name_of(Flavour flavour) {
  return name_in(kFlavours, flavour);
}
std::string_view name_of(XdpMode mode) {
  return name_in(kXdpModes, mode);
}
std::string_view name_of(Promisc promisc) {
  return name_in(kPromiscs, promisc);
}
std::string_view name_of(Verdict verdict) {
  return names_of<Verdict>()[static_cast<size_t>(verdict)];
}
std::string_view name_of(TuningApply apply) {
  return name_in(kTuningApplies, apply);
}
std::string_view help_of(PortState state) {
  return name_in(kPortStateHelp, state);
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The words for what a report says in enums: the same in JSON, in tables and in logs.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "core/effect_report.h"
#include "core/report.h"

namespace xdpfwd {

struct NamedCounter {
  std::string_view name;
  std::string_view help;
};

// By enum xdpfwd_reason: how frames left the program; and what its verdict was: "redirect", "pass", "drop".
std::span<const NamedCounter> reasons();
std::string_view verdict_of_reason(size_t reason);
// By enum xdpfwd_loss: why frames were lost after the verdict.
std::span<const NamedCounter> losses();

std::string_view name_of(PortState state);
std::string_view name_of(GuestSource source);
std::string_view name_of(Flavour flavour);
std::string_view name_of(XdpMode mode);
std::string_view name_of(Promisc promisc);
std::string_view name_of(TuningApply apply);
std::string_view name_of(Verdict verdict);

// A sentence for people: what the state means, and what ends it.
std::string_view help_of(PortState state);

// Each name of `T`, in the order of the enum.
template <typename T>
std::span<const std::string_view> names_of();
template <>
std::span<const std::string_view> names_of<PortState>();
template <>
std::span<const std::string_view> names_of<GuestSource>();
template <>
std::span<const std::string_view> names_of<Flavour>();
template <>
std::span<const std::string_view> names_of<XdpMode>();
template <>
std::span<const std::string_view> names_of<Promisc>();
template <>
std::span<const std::string_view> names_of<TuningApply>();
template <>
std::span<const std::string_view> names_of<Verdict>();

template <typename T>
std::optional<T> from_name(std::string_view name) {
  const auto names = names_of<T>();
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<T>(i);
  return std::nullopt;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/state.h"

#include <algorithm>

namespace xdpfwd {
namespace {

template <typename T, typename Field, typename Value>
const T* find_sorted(const std::vector<T>& items, Field field, Value value) {
  const auto at = std::ranges::lower_bound(items, value, {}, field);
  return at != items.end() && (*at).*field == value ? &*at : nullptr;
}

template <typename T, typename Field, typename Value>
const T* find_any(const std::vector<T>& items, Field field, const Value& value) {
  const auto at = std::ranges::find(items, value, field);
  return at != items.end() ? &*at : nullptr;
}

}  // namespace

const Link* find_link(const State& state, uint32_t ifindex) {
  return find_sorted(state.links, &Link::ifindex, ifindex);
}
const Link* find_link(const State& state, const InterfaceName& name) {
  return find_any(state.links, &Link::name, name);
}
const Port* find_port(const State& state, uint32_t slot) {
  return find_sorted(state.ports, &Port::slot, slot);
}
const Member* find_member(const State& state, uint32_t ifindex) {
  return find_any(state.members, &Member::ifindex, ifindex);
}
NicChanges changes_of(const State& state, uint32_t ifindex) {
  const NicChanges* changes = find_sorted(state.nics, &NicChanges::ifindex, ifindex);
  return changes ? *changes : NicChanges{.ifindex = ifindex, .name = {}};
}

}  // namespace xdpfwd

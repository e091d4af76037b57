// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/queue_cpus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "core/cpus.h"

namespace xdpfwd {
namespace {

std::set<uint32_t> asked_cpus(const Wish& wish) {
  std::set<uint32_t> asked;
  for (const GuestWish& guest : wish.guests)
    if (guest.cpu) asked.insert(*guest.cpu);
  return asked;
}

std::vector<uint32_t> near_first(const HostTuning& host, const std::set<uint32_t>& asked) {
  const std::vector<uint32_t> shared = shared_cpus(host);
  std::set<int32_t> near;
  for (const Nic& nic : host.nics)
    if (nic.numa_node >= 0) near.insert(nic.numa_node);
  enum Rank { kNear, kNearSibling, kFar, kFarSibling };
  std::array<std::vector<uint32_t>, 4> ranks;
  std::set<uint32_t> cores;
  for (size_t i = 0; i < host.cpus.size(); ++i) {
    if (!std::ranges::binary_search(shared, host.cpus[i]) && !asked.contains(host.cpus[i])) continue;
    const bool is_near = i < host.numa_of_cpus.size() && near.contains(host.numa_of_cpus[i]);
    const bool sibling = i < host.core_of_cpus.size() && !cores.insert(host.core_of_cpus[i]).second;
    ranks[is_near ? (sibling ? kNearSibling : kNear) : (sibling ? kFarSibling : kFar)].push_back(
        host.cpus[i]);
  }
  std::vector<uint32_t> cpus;
  for (const auto& rank : ranks) cpus.insert(cpus.end(), rank.begin(), rank.end());
  return cpus;
}

// Puts each CPU that a guest asks for on a queue, in the place of the last one that nobody asks for: the
// other queues keep theirs.
void make_room_for(std::vector<uint32_t>& cpus, const std::set<uint32_t>& asked, uint32_t queues) {
  const auto used = [&] { return static_cast<std::ptrdiff_t>(std::min<size_t>(queues, cpus.size())); };
  for (const uint32_t cpu : asked) {
    const auto at = std::ranges::find(cpus, cpu);
    if (at == cpus.end() || at - cpus.begin() < used()) continue;
    for (auto place = used(); place-- > 0;)
      if (!asked.contains(cpus[static_cast<size_t>(place)])) {
        std::iter_swap(at, cpus.begin() + place);
        break;
      }
  }
}

}  // namespace

size_t count_cpus(const Wish& wish, const HostTuning& host) {
  const CpuWish& cpus = wish.tuning.cpus;
  return cpus.kind == CpuWish::Kind::kGiven ? cpus.given.size() : near_first(host, asked_cpus(wish)).size();
}

std::vector<uint32_t> choose_cpus(const Wish& wish, const HostTuning& host, uint32_t queues,
                                  std::vector<Remark>& remarks) {
  const CpuWish& cpus = wish.tuning.cpus;
  if (cpus.kind == CpuWish::Kind::kKeep) return {};
  if (cpus.kind == CpuWish::Kind::kGiven) {
    std::vector<uint32_t> online, offline;
    for (const uint32_t cpu : cpus.given)
      (std::ranges::binary_search(host.cpus, cpu) ? online : offline).push_back(cpu);
    if (online.empty())
      remarks.push_back({"tuning.cpus",
                         fmt::format("none of its CPUs ({}) is online", cpu_list_text(cpus.given)),
                         "bring one online, or name others, see /sys/devices/system/cpu/online", true});
    else if (!offline.empty())
      remarks.push_back({"tuning.cpus", fmt::format("not online: CPU {}", fmt::join(offline, ", ")),
                         "name CPUs that are, see /sys/devices/system/cpu/online", true});
    return online;
  }
  const std::set<uint32_t> asked = asked_cpus(wish);
  std::vector<uint32_t> chosen = near_first(host, asked);
  std::vector<uint32_t> left = host.isolated;
  std::erase_if(left, [&](uint32_t cpu) { return std::ranges::find(chosen, cpu) != chosen.end(); });
  if (!left.empty())
    remarks.push_back({"tuning.cpus",
                       fmt::format("not used, as the host keeps them for others (isolcpus, nohz_full or "
                                   "cpusets): CPU {}",
                                   cpu_list_text(left)),
                       "if they are meant for it, name them in tuning.cpus", false});
  make_room_for(chosen, asked, queues);
  return chosen;
}

std::vector<uint32_t> observed_cpus(const HostTuning& host, const Nic& nic, const UndoLog& log) {
  std::vector<uint32_t> cpus;
  for (const Queue& queue : nic.queues) {
    const Setting setting{nic.ifindex, Knob::kIrqAffinity, queue.irq};
    std::string_view list = observed_value(host, setting).value_or("");
    const UndoEntry* entry = find_entry(log, setting);
    if (entry && entry->device == nic.name && holder_of(*entry, list) == Holder::kUs) list = entry->before;
    uint32_t only = 0;
    const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), only);
    const bool one = error == std::errc() && end == list.data() + list.size();
    cpus.push_back(one ? only : UINT32_MAX);
  }
  return cpus;
}

}  // namespace xdpfwd

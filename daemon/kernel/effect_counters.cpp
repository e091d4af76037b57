// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/effect_counters.h"

#include <linux/ethtool.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

namespace xdpfwd {
namespace {

// Drivers of large NICs have some thousands.
constexpr uint32_t kMostCounters = 65536;

std::string_view take_line(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

// The number that `text` begins with, taken off it.
template <typename T>
std::optional<T> take_number(std::string_view& text, int base = 10) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

}  // namespace

std::vector<InterruptCount> parse_interrupt_counts(std::string_view text) {
  std::vector<InterruptCount> counts;
  size_t cpus = 0;
  std::string_view heads = take_line(text);
  for (size_t at = heads.find("CPU"); at != std::string_view::npos; at = heads.find("CPU", at + 3)) ++cpus;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const auto irq = take_number<uint32_t>(line);
    if (!irq || !line.starts_with(':')) continue;  // "NMI:" and such
    line.remove_prefix(1);
    InterruptCount count{.irq = *irq};
    for (size_t cpu = 0; cpu < cpus; ++cpu) {
      const auto on_cpu = take_number<uint64_t>(line);
      if (!on_cpu) break;
      count.count += *on_cpu;
    }
    counts.push_back(count);
  }
  std::ranges::sort(counts, {}, &InterruptCount::irq);
  return counts;
}

SoftnetCounts parse_softnet(std::string_view text) {
  SoftnetCounts counts;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (!take_number<uint64_t>(line, 16)) continue;  // processed
    counts.dropped += take_number<uint64_t>(line, 16).value_or(0);
    counts.squeezed += take_number<uint64_t>(line, 16).value_or(0);
  }
  return counts;
}

std::optional<uint32_t> queue_of_counter(std::string_view name) {
  for (const std::string_view prefix : {"rx_queue_", "rx-", "rx"}) {
    if (!name.starts_with(prefix)) continue;
    std::string_view rest = name.substr(prefix.size());
    const auto queue = rest.empty() || rest.front() == ' ' ? std::nullopt : take_number<uint32_t>(rest);
    if (!queue) continue;
    if (rest == "_packets" || rest == ".packets" || rest == "_xdp_packets") return queue;
  }
  return std::nullopt;
}

std::vector<QueueCount> read_queue_counts(Ethtool& ethtool, uint32_t ifindex, const InterfaceName& device) {
  // The structure, and one number behind it.
  std::vector<char> set(sizeof(ethtool_sset_info) + sizeof(uint32_t));
  ethtool_sset_info info{};
  info.cmd = ETHTOOL_GSSET_INFO;
  info.sset_mask = uint64_t{1} << ETH_SS_STATS;
  std::memcpy(set.data(), &info, sizeof(info));
  if (ethtool.call(device, set.data()) != 0) return {};
  std::memcpy(&info, set.data(), sizeof(info));
  uint32_t size = 0;
  std::memcpy(&size, set.data() + sizeof(info), sizeof(size));
  if (info.sset_mask == 0 || size == 0 || size > kMostCounters) return {};
  std::vector<char> strings(sizeof(ethtool_gstrings) + size_t{size} * ETH_GSTRING_LEN);
  ethtool_gstrings names{};
  names.cmd = ETHTOOL_GSTRINGS;
  names.string_set = ETH_SS_STATS;
  names.len = size;
  std::memcpy(strings.data(), &names, sizeof(names));
  // Their number may have changed since: the kernel writes the present one, and fewer are read then.
  std::vector<char> values(sizeof(ethtool_stats) + size_t{size} * sizeof(uint64_t));
  ethtool_stats stats{};
  stats.cmd = ETHTOOL_GSTATS;
  stats.n_stats = size;
  std::memcpy(values.data(), &stats, sizeof(stats));
  if (ethtool.call(device, strings.data()) != 0 || ethtool.call(device, values.data()) != 0) return {};
  std::memcpy(&names, strings.data(), sizeof(names));
  std::memcpy(&stats, values.data(), sizeof(stats));
  std::map<uint32_t, uint64_t> packets;
  for (uint32_t i = 0; i < std::min({names.len, stats.n_stats, size}); ++i) {
    const char* name = strings.data() + sizeof(names) + size_t{i} * ETH_GSTRING_LEN;
    const auto queue = queue_of_counter({name, strnlen(name, ETH_GSTRING_LEN)});
    if (!queue) continue;
    uint64_t value = 0;
    std::memcpy(&value, values.data() + sizeof(stats) + size_t{i} * sizeof(value), sizeof(value));
    packets[*queue] += value;
  }
  std::vector<QueueCount> counts;
  for (const auto& [queue, count] : packets)
    counts.push_back({.ifindex = ifindex, .queue = queue, .packets = count});
  return counts;
}

}  // namespace xdpfwd

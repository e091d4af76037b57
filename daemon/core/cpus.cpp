// SPDX-License-Identifier: BSD-2-Clause
#include "core/cpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace xdpfwd {
namespace {

std::optional<uint32_t> read_cpu(std::string_view text) {
  uint32_t cpu = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && cpu <= kHighestCpu ? std::optional(cpu) : std::nullopt;
}

}  // namespace

Result<std::vector<uint32_t>> parse_cpus(std::string_view text) {
  std::set<uint32_t> cpus;
  std::string_view rest = text;
  while (true) {
    const size_t comma = rest.find(',');
    const std::string_view range = rest.substr(0, comma);
    const size_t dash = range.find('-');
    const auto first = read_cpu(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : read_cpu(range.substr(dash + 1));
    if (!first || !last || *first > *last)
      return fail(fmt::format("'{}' is not a list of CPUs", text), "write numbers and ranges, as in 0-3,8");
    for (uint32_t cpu = *first; cpu <= *last; ++cpu) cpus.insert(cpu);
    if (comma == std::string_view::npos) return std::vector<uint32_t>(cpus.begin(), cpus.end());
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace xdpfwd

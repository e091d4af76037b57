// SPDX-License-Identifier: BSD-2-Clause
#include "core/nearest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace xdpfwd {
namespace {

// Words come from files and command lines: longer ones are nobody's slip, and the table would cost their
// square.
constexpr size_t kLongestWord = 64;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        current[j] = std::min(current[j], before[j - 2] + 1);
    }
    before.swap(previous);
    previous.swap(current);
  }
  return previous[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string_view> best;
  size_t best_edits = 0;
  for (const std::string_view candidate : candidates) {
    const size_t count = edits(word, candidate);
    const size_t allowed = std::max<size_t>(1, std::min(word.size(), candidate.size()) / 3);
    // As many edits as letters would make any word out of any other.
    if (count > allowed || count >= std::min(word.size(), candidate.size())) continue;
    if (!best || count < best_edits) {
      best = candidate;
      best_edits = count;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates,
                         std::string_view what) {
  if (const auto hit = nearest(word, candidates)) return fmt::format("did you mean '{}'?", *hit);
  return fmt::format("{}: {}", what, fmt::join(candidates, ", "));
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Which known word a mistyped one was meant to be: behind every "did you mean".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace xdpfwd {

// The candidate with the fewest edits (insert, delete, replace, swap neighbours), if that is few enough to be
// a slip rather than another word. Letter case does not count.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

// "did you mean 'vlan'?", or else "known keys: a, b" with `what` = "known keys".
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates,
                         std::string_view what);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/config_pieces.h"

#include <algorithm>

namespace xdpfwd {

std::vector<ConfigPiece> cut_config(std::string_view text, size_t bytes) {
  constexpr std::string_view kCut = "\n[[guest]]";
  std::vector<ConfigPiece> pieces;
  uint32_t lines = 0;
  do {
    size_t end = text.size();
    if (text.size() > bytes)
      if (const size_t cut = text.find(kCut, bytes); cut != std::string_view::npos) end = cut + 1;
    pieces.push_back({text.substr(0, end), lines});
    lines += static_cast<uint32_t>(std::ranges::count(pieces.back().text, '\n'));
    text.remove_prefix(end);
  } while (!text.empty());
  return pieces;
}

}  // namespace xdpfwd

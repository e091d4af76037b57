// SPDX-License-Identifier: BSD-2-Clause
// Any text as the undo log of tuning: refused, or read; what was read is written and read the same again, and
// an unfinished line behind it costs nothing.
#include <algorithm>
#include <cstdlib>

#include "tuning/undo_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace xdpfwd;
  constexpr std::string_view kBoot = "boot-1";
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = read_undo_text(text, kBoot);
  if (!read) return 0;
  if (read->good_bytes > size || (read->good_bytes > 0 && text[read->good_bytes - 1] != '\n')) std::abort();
  if (!std::ranges::is_sorted(read->log.entries, {}, &UndoEntry::setting)) std::abort();
  const std::string written = text_of(read->log, kBoot);
  const auto again = read_undo_text(written + "{\"boot\":", kBoot);
  if (!again || again->log != read->log || again->good_bytes != written.size()) std::abort();
  return 0;
}

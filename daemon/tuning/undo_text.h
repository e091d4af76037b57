// SPDX-License-Identifier: BSD-2-Clause
// The undo log as text: a line for each entry, the last one about a setting counts. Lines can be appended, or
// the whole written anew. Interrupts, ifindexes and sysctls start afresh with the host, so lines of another
// boot say nothing.
//
//   {"boot":"6f2a...","ifindex":2,"device":"eth0","knob":"rx-usecs","index":3,"before":"8","set":"16"}
//
// `index` is absent for a whole device, "earlier" and "shaken" where they are not set; {"gone":true} in place
// of values: not in the log any more.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "tuning/undo_log.h"

namespace xdpfwd {

std::string text_of(const UndoLog& log, std::string_view boot_id);
// Lines to append.
std::string text_of(const UndoChanges& changes, std::string_view boot_id);

// A last line that was not finished is no error: what it would have said has not been done yet. Any other
// line that cannot be read is one, and named: the log is the only witness of what was before.
struct UndoText {
  UndoLog log;
  size_t other_boots = 0;  // lines that say nothing any more
  size_t good_bytes = 0;   // of the text: cut it here before appending
};
Result<UndoText> read_undo_text(std::string_view text, std::string_view boot_id);

}  // namespace xdpfwd

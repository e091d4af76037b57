// SPDX-License-Identifier: BSD-2-Clause
// Keeps the undo log of tuning on disk, and what somebody asked for: <state_dir>/tuning-undo.jsonl,
// tuning-asked and tuning-reverting beside it. What goes into the log, tuning/undo_log.h says.
#pragma once

#include <string>

#include "base/result.h"
#include "tuning/undo_log.h"

namespace xdpfwd {

class UndoFile {
 public:
  // `boot_id` is this boot's: what was noted in another says nothing.
  UndoFile(std::string state_dir, std::string boot_id);

  // No file is an empty log. A line that cannot be read is an error that names it, and the file stays as it
  // is: it is the only witness of what was before.
  [[nodiscard]] Result<UndoLog> load();

  // Before the steps: what changed is appended to what is there. On disk when it returns.
  [[nodiscard]] Result<void> append(const UndoLog& log, const UndoChanges& changes);
  // After the steps: the whole log, in place of what was there.
  [[nodiscard]] Result<void> rewrite(const UndoLog& log);

  [[nodiscard]] bool there() const;

  // Somebody asked for tuning, and nobody for its end since.
  [[nodiscard]] bool asked() const;
  [[nodiscard]] Result<void> set_asked(bool asked);
  // Somebody asked for a revert, and it is not over yet.
  [[nodiscard]] bool reverting() const;
  [[nodiscard]] Result<void> set_reverting(bool reverting);

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string state_dir_;
  std::string boot_id_;
  std::string path_;
  [[nodiscard]] Result<void> set_mark(const std::string& path, bool there);

  std::string asked_path_;
  std::string reverting_path_;
  bool appendable_ = false;  // the file is there and ends with a whole line
};

}  // namespace xdpfwd

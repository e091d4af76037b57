// SPDX-License-Identifier: BSD-2-Clause
#include "shell/undo_file.h"

#include <unistd.h>

#include <cerrno>

#include "sources/durable_file.h"
#include "sources/read_file.h"
#include "tuning/undo_text.h"

namespace xdpfwd {
namespace {

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

UndoFile::UndoFile(std::string state_dir, std::string boot_id)
    : state_dir_(std::move(state_dir)),
      boot_id_(std::move(boot_id)),
      path_(state_dir_ + "/tuning-undo.jsonl"),
      asked_path_(state_dir_ + "/tuning-asked"),
      reverting_path_(state_dir_ + "/tuning-reverting") {}

Result<UndoLog> UndoFile::load() {
  appendable_ = false;
  if (boot_id_.empty())
    return fail(
        "/proc/sys/kernel/random/boot_id cannot be read, so that what was noted now could not be told from "
        "what "
        "another boot noted",
        "let the service see and write /proc and /sys: no ProcSubset=pid, no ProtectKernelTunables=yes");
  const auto text = read_file(path_);
  if (!text && text.error().code == ENOENT) return UndoLog{};
  if (!text) return std::unexpected(text.error());
  auto read = read_undo_text(*text, boot_id_);
  if (!read) {
    Error error = read.error();
    error.message = path_ + ": " + error.message;
    error.remedy =
        "mend that line, or put the NICs' settings back by hand and move the file away; then: xdpctl "
        "reload";
    return std::unexpected(std::move(error));
  }
  // Otherwise the next write is of the whole: a part of a line would spoil what is appended.
  appendable_ = read->good_bytes == text->size();
  return std::move(read->log);
}

Result<void> UndoFile::append(const UndoLog& log, const UndoChanges& changes) {
  if (appendable_ && append_durably(state_dir_, path_, text_of(changes, boot_id_))) return {};
  // There is no file yet, or what was written of the text is not known.
  return rewrite(log);
}

Result<void> UndoFile::rewrite(const UndoLog& log) {
  auto done = log.entries.empty() ? remove_durably(state_dir_, path_)
                                  : replace_durably(state_dir_, path_, text_of(log, boot_id_));
  appendable_ = done && !log.entries.empty();
  return done;
}

bool UndoFile::there() const {
  return exists(path_);
}

bool UndoFile::asked() const {
  return exists(asked_path_);
}

Result<void> UndoFile::set_asked(bool asked) {
  return set_mark(asked_path_, asked);
}

bool UndoFile::reverting() const {
  return exists(reverting_path_);
}

Result<void> UndoFile::set_reverting(bool reverting) {
  return set_mark(reverting_path_, reverting);
}

Result<void> UndoFile::set_mark(const std::string& path, bool there) {
  if (there == exists(path)) return {};
  return there ? replace_durably(state_dir_, path, "") : remove_durably(state_dir_, path);
}

}  // namespace xdpfwd

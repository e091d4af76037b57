// SPDX-License-Identifier: BSD-2-Clause
// Where things stay in the BPF filesystem while no daemon runs, and nothing else:
//   ROOT/links/IFINDEX       the link of each member; any version of the daemon can replace its program
//   ROOT/undo/CHANGE-IFINDEX a symbolic link to the NIC's name: what to undo when it is no member any more
//   ROOT/abi-VERSION/MAP     the maps of one ABI version
//   ROOT/abi-VERSION/watch_TRACEPOINT_BUILD   the links that count losses
// (bpffs refuses dots in names.) Whoever has it open holds a lock on ROOT: two daemons need two.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd {

// A change of a NIC that somebody must undo one day.
struct UndoNote {
  std::string change;  // letters only
  uint32_t ifindex = 0;
  std::string name;
};

class Pins {
 public:
  // Makes the folders. Fails if `root` is not in a mounted BPF filesystem, or another process has it open.
  static Result<Pins> open(const std::string& root);

  // False when the folders were removed, or replaced by others, since they were opened; then open() again.
  [[nodiscard]] bool in_place() const;
  // Before the same root is opened anew.
  void unlock() { lock_.reset(); }

  [[nodiscard]] std::string link_path(uint32_t ifindex) const;
  [[nodiscard]] std::string map_path(std::string_view name) const;
  [[nodiscard]] const std::string& root() const { return root_; }
  // A folder to make a complete set of maps in; rename_new_maps() then puts it in place in one step.
  Result<std::string> new_map_folder() const;
  Result<void> rename_new_maps() const;

  // Names in links/ that are ifindexes, ascending.
  [[nodiscard]] std::vector<uint32_t> linked() const;
  // Names in the map folder that start with "watch_".
  [[nodiscard]] std::vector<std::string> watches() const;

  static Result<UniqueFd> get(const std::string& path);
  static Result<void> pin(int fd, const std::string& path);
  // Pins `fd` where something else is pinned, in one step.
  static Result<void> replace(int fd, const std::string& path);
  // Nothing there is as good.
  static Result<void> remove(const std::string& path);

  [[nodiscard]] std::vector<UndoNote> undo_notes() const;
  Result<void> note_undo(const UndoNote& note) const;
  void forget_undo(std::string_view change, uint32_t ifindex) const;

  // Map folders of other ABI versions, which no program needs once every member runs ours.
  void remove_other_versions() const;
  // Every link and map; neither the notes nor what others pinned beside them.
  Result<void> remove_all() const;

 private:
  explicit Pins(std::string root);
  std::string root_;
  UniqueFd lock_;
  std::string links_;
  std::string undo_;
  std::string maps_;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Keeps the guests that were added over the control socket in <state_dir>/guests.json. After a crash the file
// is the old one or the new one, never a part; one that cannot be understood is set aside and reported, never
// fatal.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/config.h"
#include "core/report.h"

namespace xdpfwd {

class GuestStore {
 public:
  explicit GuestStore(std::string state_dir);

  struct Loaded {
    std::vector<Guest> guests;
    std::vector<Problem> problems;  // what was not read, why, and where it is now
  };
  // No file means no guests.
  [[nodiscard]] Loaded load();

  // Replaces the file. On failure the old file stays as it was. Refused while there is a file that load()
  // could neither read nor set aside: writing would destroy it.
  [[nodiscard]] Result<void> save(const std::vector<Guest>& guests);

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  Problem set_aside(const Error& why);

  std::string state_dir_;
  std::string path_;
  bool unread_file_ = false;
};

}  // namespace xdpfwd

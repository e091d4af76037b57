// SPDX-License-Identifier: BSD-2-Clause
// All guests the daemon has, by where they came from: files, the control socket, and the socket for this run
// only. Decides which of the stored ones must stand back because a file claims the same.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/report.h"

namespace xdpfwd {

class GuestSet {
 public:
  void set_files(std::vector<Guest> guests);
  void set_stored(std::vector<Guest> guests);
  void add(Guest guest, GuestSource source);
  // From those added over the socket. False if there is none of this name.
  bool remove(const std::string& name);

  // At start: guests added over the socket whose name or (VLAN, MAC) a file has taken stand back.
  void yield_to_files();
  // After new files: those come back whose name and rows are free again. The others are not asked to stand
  // back: a configuration that takes what a guest has now is refused.
  void return_where_free();
  // About those that stand back.
  [[nodiscard]] std::vector<Problem> conflicts() const;
  // All that do not stand back.
  [[nodiscard]] std::vector<Guest> active() const;
  [[nodiscard]] const std::vector<Guest>& stored() const { return stored_; }
  [[nodiscard]] const Guest* find_in_files(const std::string& name) const;
  // Among those added over the socket; `source` may be nullptr.
  const Guest* find_added(const std::string& name, GuestSource* source) const;

 private:
  std::vector<Guest> files_;
  std::vector<Guest> stored_;
  std::vector<Guest> ephemeral_;
  struct Standing {
    std::string name;
    std::string taken;  // what of it a file has
  };
  std::vector<Standing> standing_back_;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// What tuning has to say besides the changes: what cannot be as wanted, and what a NIC does not have.
#pragma once

#include <string>

namespace xdpfwd {

struct Remark {
  std::string thing;     // "eth0", "guest vm1"
  std::string why;       // "eth0 steers by no rules (driver igb)"
  std::string remedy;    // may be empty
  bool problem = false;  // false: worth knowing, nothing to be done
  bool operator==(const Remark&) const = default;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/control.h"

#include "core/config.h"

namespace xdpfwd {

Result<void> Control::check_guest(const Guest& guest) {
  std::vector<Guest> all;
  for (GuestReport& present : guests()) all.push_back(std::move(present.guest));
  all.push_back(guest);
  return check_guests(all);
}

}  // namespace xdpfwd

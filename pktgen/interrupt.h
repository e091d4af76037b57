// SPDX-License-Identifier: BSD-2-Clause
// Ctrl-C, SIGTERM and the SIGHUP of a lost terminal as something to look at instead of something that
// happens: the first one asks for an orderly end, the second ends the process at once.
#pragma once

#include <chrono>

#include "base/unique_fd.h"

namespace xdpfwd::pktgen {

class Interrupt {
 public:
  // Blocks them in this thread and in all that it starts. To be made first in main().
  Interrupt();
  // True from the first signal on.
  [[nodiscard]] bool arrived();
  // Waits for a signal, for data or end on `fd` (-1: none), or for the time to pass. True: the fd has
  // something.
  bool wait(int fd, std::chrono::milliseconds at_most);

 private:
  UniqueFd fd_;
  bool arrived_ = false;
};

}  // namespace xdpfwd::pktgen

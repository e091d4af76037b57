// SPDX-License-Identifier: BSD-2-Clause
// irqbalance, which moves interrupts as it thinks best, is told by its own socket which to leave alone. Its
// ban list is set as a whole, so what others banned is read first and kept. Learnt from irqbalance 1.9.2:
// it reads 500 bytes of a command and silently drops the rest, in the middle of a number if need be. Who
// answers must be root, and has half a second for all that it says: anybody may listen at its abstract name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernel/host_file.h"

namespace xdpfwd {

class Irqbalance {
 public:
  explicit Irqbalance(HostRoots roots) : roots_(std::move(roots)) {}
  // Sorted. Fails with ENOENT when none runs, or none answers.
  Result<std::vector<uint32_t>> banned();
  Result<void> set_banned(uint32_t interrupt, bool ban);

 private:
  // Sends to the one that answered last, else to all sockets of that name until one answers.
  Result<std::string> ask(const std::string& command);

  HostRoots roots_;
  std::string socket_;
};

// Pure.
// The numbers in an answer to "setup": "SLEEP 10 IRQ 7 LOAD 0 DIFF 0 CLASS 0 BANNED 00000000".
std::vector<uint32_t> parse_banned(std::string_view answer);
// "settings ban irqs 7 9", or why it cannot be said.
Result<std::string> ban_command(const std::vector<uint32_t>& interrupts);
// Abstract sockets of irqbalance in the text of /proc/net/unix, each with its '@'.
std::vector<std::string> find_abstract_sockets(std::string_view text);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// What a poller is asked to do, and whether that can be meant. Pure: whether the NIC is there is not asked
// here.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xdpfwd::poller {

// In one wait of io_uring the kernel (6.18) polls no longer, and sleeps for the rest.
inline constexpr std::chrono::microseconds kLongestTurn{10'000};

struct QueueSpec {
  std::string device;
  uint32_t queue = 0;
  // How long a turn lasts while other queues have turns, too.
  std::chrono::microseconds period{10};
  // Frames a poll; 0 = the handle's own: 8 by io_uring, which has no other, 64 by AF_XDP.
  uint32_t budget = 0;

  [[nodiscard]] std::string name() const { return device + ":" + std::to_string(queue); }
};

// "eth0:3", "eth0:3,period=100,budget=32"; the period in microseconds. In the NIC's name %XX is a character:
// no NIC's name has a '%'.
Result<QueueSpec> parse_queue(std::string_view text);

enum class HandleChoice { kAuto, kIoUring, kAfXdp, kThreaded };

struct Options {
  std::string name;
  uint32_t cpu = 0;
  std::vector<QueueSpec> queues;
  // A queue without frames for so long is left to interrupts; 0 = never.
  std::chrono::microseconds idle{100'000};
  // How often it looks whether queues that were left to interrupts have work again.
  std::chrono::microseconds look{1000};
  HandleChoice handle = HandleChoice::kAuto;
  bool set_deferral = false;
};

// What each value alone does not show: no queue, one twice, too many.
Result<void> check(const Options& options);

std::chrono::microseconds longest_period(const std::vector<QueueSpec>& queues);

// How long it takes until a queue's turn comes again when all are busy.
std::chrono::microseconds round_of(const std::vector<QueueSpec>& queues);

}  // namespace xdpfwd::poller

// SPDX-License-Identifier: BSD-2-Clause
#include "poller/options.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>

#include "bpf/poller_abi.h"

namespace xdpfwd::poller {
namespace {

constexpr uint32_t kMostQueue = 65535;
constexpr uint32_t kLeastPeriodUs = 2;  // the kernel's own clock of busy polls ticks in 1.024 us
constexpr uint32_t kMostPeriodUs = kLongestTurn.count();
constexpr uint32_t kMostBudget = 1024;

Result<uint32_t> number(std::string_view what, std::string_view text, uint32_t least, uint32_t most) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    return fail(fmt::format("{} '{}' is no number from {} to {}", what, text, least, most));
  return value;
}

// As pollers.cpp of the daemon writes it into files, whose reader has its own mind of quotes and comments.
Result<std::string> read_device(std::string_view text) {
  std::string device;
  for (; !text.empty(); text.remove_prefix(1)) {
    uint8_t character = static_cast<uint8_t>(text.front());
    if (character == '%') {
      const std::string_view digits = text.substr(1, 2);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), character, 16);
      if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2 || character == 0)
        return fail(fmt::format("'%{}' is no character", digits), "write it as two hexadecimal digits: %22");
      text.remove_prefix(2);
    }
    device += static_cast<char>(character);
  }
  return device;
}

Result<void> read_attribute(QueueSpec& spec, std::string_view text) {
  const size_t equals = text.find('=');
  const std::string_view key = text.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
  if (key == "period") {
    const auto period = number("period", value, kLeastPeriodUs, kMostPeriodUs);
    if (!period) return std::unexpected(period.error());
    spec.period = std::chrono::microseconds(*period);
  } else if (key == "budget") {
    const auto budget = number("budget", value, 1, kMostBudget);
    if (!budget) return std::unexpected(budget.error());
    spec.budget = *budget;
  } else {
    return fail(fmt::format("unknown '{}'", key), "there are period=MICROSECONDS and budget=FRAMES");
  }
  return {};
}

}  // namespace

Result<QueueSpec> parse_queue(std::string_view text) {
  const std::string place = fmt::format("queue '{}'", text);
  const size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos)
    return fail(place + " does not name a NIC and a receive queue", "write it as eth0:3");
  QueueSpec spec;
  auto device = read_device(text.substr(0, colon));
  if (!device) return fail_in(place, device.error());
  spec.device = std::move(*device);
  if (spec.device.size() >= IFNAMSIZ)
    return fail(fmt::format("{}: '{}' is too long for a NIC's name", place, spec.device));
  std::string_view rest = text.substr(colon + 1);
  const auto queue = number("queue number", rest.substr(0, rest.find(',')), 0, kMostQueue);
  if (!queue) return fail_in(place, queue.error());
  spec.queue = *queue;
  while (rest.find(',') != std::string_view::npos) {
    rest.remove_prefix(rest.find(',') + 1);
    if (auto read = read_attribute(spec, rest.substr(0, rest.find(','))); !read)
      return fail_in(place, read.error());
  }
  return spec;
}

Result<void> check(const Options& options) {
  if (options.name.empty() || options.name.find('/') != std::string::npos || options.name.front() == '.')
    return fail(fmt::format("'{}' cannot be a poller's name", options.name),
                "it names a folder in /run/xdpfwd-poller");
  if (options.queues.empty()) return fail("no queue to poll", "name them: --queue eth0:3");
  if (options.queues.size() > XDPFWD_POLLER_QUEUES)
    return fail(fmt::format("{} queues are too many for one poller", options.queues.size()),
                fmt::format("{} at most; start another on another CPU", XDPFWD_POLLER_QUEUES));
  for (auto queue = options.queues.begin(); queue != options.queues.end(); ++queue)
    if (std::any_of(options.queues.begin(), queue,
                    [&](const QueueSpec& other) { return other.name() == queue->name(); }))
      return fail(fmt::format("queue '{}' is named twice", queue->name()));
  if (options.look <= std::chrono::microseconds(0))
    return fail("the interval of looking cannot be 0", "a poller would never sleep; write at least 1");
  return {};
}

std::chrono::microseconds longest_period(const std::vector<QueueSpec>& queues) {
  std::chrono::microseconds longest{0};
  for (const QueueSpec& queue : queues) longest = std::max(longest, queue.period);
  return longest;
}

std::chrono::microseconds round_of(const std::vector<QueueSpec>& queues) {
  std::chrono::microseconds sum{0};
  for (const QueueSpec& queue : queues) sum += queue.period;
  return sum;
}

}  // namespace xdpfwd::poller

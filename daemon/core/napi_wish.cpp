// SPDX-License-Identifier: BSD-2-Clause
#include "core/napi_wish.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "core/cpus.h"

namespace xdpfwd {
namespace {

constexpr std::array<std::string_view, 6> kModes = {"keep",     "softirq",   "deferred",
                                                    "threaded", "busy-poll", "auto"};
constexpr std::array<std::string_view, 6> kPolicies = {"other", "batch", "idle", "fifo", "rr", "deadline"};

constexpr std::string_view kHowToWrite =
    "write \"keep\", \"softirq\", \"deferred\", \"threaded\", \"busy-poll\" or \"auto\", and other modes for "
    "some queues "
    "behind it, as in \"softirq, 0-1 threaded\"";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

Result<NapiMode> parse_mode(std::string_view text) {
  const auto mode = std::ranges::find(kModes, text);
  if (mode == kModes.end())
    return fail(fmt::format("'{}' is no mode of NAPI", text), std::string(kHowToWrite), EINVAL);
  return static_cast<NapiMode>(mode - kModes.begin());
}

}  // namespace

std::string_view name_of(NapiMode mode) {
  return kModes[static_cast<size_t>(mode)];
}

NapiMode NapiWish::of_queue(uint32_t queue) const {
  for (const Exception& exception : exceptions)
    if (std::ranges::binary_search(exception.queues, queue)) return exception.mode;
  return mode;
}

// Queues are lists with commas themselves ("0-1,4 threaded"): a part that is only a list belongs to the next.
Result<NapiWish> parse_napi_wish(std::string_view text) {
  NapiWish wish;
  std::set<uint32_t> named;
  std::string list;
  bool first = true;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view part = trimmed(text.substr(at, comma - at));
    at = comma + 1;
    if (first) {
      const auto mode = parse_mode(part);
      if (!mode) return std::unexpected(mode.error());
      wish.mode = *mode;
      first = false;
      continue;
    }
    if (part.empty())
      return fail("there is nothing between or behind its commas", std::string(kHowToWrite), EINVAL);
    const size_t space = part.find(' ');
    list += (list.empty() ? "" : ",") + std::string(part.substr(0, space));
    if (space == std::string_view::npos) continue;
    auto queues = parse_cpus(list);
    if (!queues)
      return fail(fmt::format("'{}' is not a list of queues", list), std::string(kHowToWrite), EINVAL);
    const auto mode = parse_mode(trimmed(part.substr(space)));
    if (!mode) return std::unexpected(mode.error());
    for (const uint32_t queue : *queues)
      if (!named.insert(queue).second)
        return fail(fmt::format("queue {} is named twice", queue), "name it once", EINVAL);
    wish.exceptions.push_back({std::move(*queues), *mode});
    list.clear();
  }
  if (!list.empty()) return fail(fmt::format("'{}' has no mode", list), std::string(kHowToWrite), EINVAL);
  return wish;
}

std::string text_of(const NapiWish& wish) {
  std::string text(name_of(wish.mode));
  for (const NapiWish::Exception& exception : wish.exceptions)
    text += fmt::format(", {} {}", cpu_list_text(exception.queues), name_of(exception.mode));
  return text;
}

std::string ThreadSchedule::text() const {
  const std::string_view name = kPolicies[static_cast<size_t>(policy)];
  return policy == Policy::kDeadline ? std::string(name) : fmt::format("{} {}", name, number);
}

Result<ThreadSchedule> parse_thread_schedule(std::string_view text) {
  const auto wrong = [&] {
    return fail(fmt::format("'{}' does not say how a thread is scheduled", text),
                "write \"other NICE\" (-20 to 19), or \"fifo PRIORITY\" or \"rr PRIORITY\" (1 to 99)",
                EINVAL);
  };
  const size_t space = text.find(' ');
  const auto policy = std::ranges::find(kPolicies, text.substr(0, space));
  if (policy == kPolicies.end() || space == std::string_view::npos) return wrong();
  ThreadSchedule schedule;
  schedule.policy = static_cast<ThreadSchedule::Policy>(policy - kPolicies.begin());
  const std::string_view number = text.substr(space + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), schedule.number);
  if (error != std::errc() || end != number.data() + number.size()) return wrong();
  switch (schedule.policy) {
    case ThreadSchedule::Policy::kFifo:
    case ThreadSchedule::Policy::kRoundRobin:
      return schedule.number >= 1 && schedule.number <= 99 ? Result<ThreadSchedule>(schedule) : wrong();
    case ThreadSchedule::Policy::kDeadline:
      return wrong();
    default:
      return schedule.number >= -20 && schedule.number <= 19 ? Result<ThreadSchedule>(schedule) : wrong();
  }
}

}  // namespace xdpfwd

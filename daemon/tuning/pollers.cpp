// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/pollers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "tuning/napi_modes.h"
#include "tuning/queue_cpus.h"

namespace xdpfwd {
namespace {

// xdpfwd-poller takes no more (XDPFWD_POLLER_QUEUES in bpf/poller_abi.h).
constexpr size_t kMostQueues = 16;
// Short, as frames of the other queues wait meanwhile, and those of the queue itself when the kernel ends the
// turn early; 2 us is the least that the kernel's clock of busy polls tells.
constexpr uint32_t kTurnUs = 10;
constexpr uint32_t kShortestTurnUs = 2;

std::optional<uint32_t> given(const NumberWish& wish) {
  return wish.kind == NumberWish::Kind::kGiven ? std::optional(wish.given) : std::nullopt;
}

// "2", "0-1,4"
std::string list_of(const std::set<uint32_t>& numbers) {
  std::string text;
  for (auto at = numbers.begin(); at != numbers.end();) {
    const uint32_t first = *at;
    uint32_t last = first;
    while (++at != numbers.end() && *at == last + 1) last = *at;
    text += (text.empty() ? "" : ",") +
            (first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last));
  }
  return text;
}

class Choosing {
 public:
  Choosing(const TuningSettings& tuning, const HostTuning& members, const std::vector<uint32_t>& cpus,
           const std::vector<uint32_t>& unpolled, const UndoLog& log, std::vector<Remark>& remarks)
      : tuning_(tuning), members_(members), cpus_(cpus), unpolled_(unpolled), log_(log), remarks_(remarks) {}

  PollerChoice run() {
    for (const Nic& nic : members_.nics) place(nic);
    if (!seen_)
      tell("tuning.napi",
           "no queue is busy-polled, but deferred: no member is up, or the kernel is too old to tell of NAPI "
           "instances (6.8)",
           "", false);
    // A queue has one mode on all members.
    const std::set<uint32_t> deferred = deferred_queues();
    PollerChoice choice{.pollers = {}, .napi = without(deferred)};
    for (auto& [cpu, queues] : by_cpu_) {
      std::erase_if(queues, [&](const Poller::Queue& queue) { return deferred.contains(queue.number); });
      if (queues.empty()) continue;
      choice.pollers.push_back({.cpu = cpu,
                                .period_us = turn_of(queues.size()),
                                .idle_ms = given(tuning_.napi_idle_ms),
                                .queues = {queues.begin(), queues.end()}});
    }
    tell_of_cpus(choice.pollers);
    return choice;
  }

 private:
  struct ByNumber {
    bool operator()(const Poller::Queue& a, const Poller::Queue& b) const {
      return std::pair(a.number, a.device) < std::pair(b.number, b.device);
    }
  };

  void tell(std::string thing, std::string why, std::string remedy, bool problem) {
    remarks_.push_back({std::move(thing), std::move(why), std::move(remedy), problem});
  }

  void place(const Nic& nic) {
    // A NIC that is down has none: a poller that has it, too, would not start.
    if (nic.napis.empty()) return;
    seen_ = true;
    const std::vector<uint32_t> observed =
        cpus_.empty() ? observed_cpus(members_, nic, log_) : std::vector<uint32_t>();
    for (uint32_t queue = 0; queue < nic.queues.size(); ++queue) {
      if (mode_of_napi(tuning_, nic, members_, queue) != NapiMode::kBusyPoll) continue;
      there_.insert(queue);
      const uint32_t cpu = cpus_.empty() ? observed[queue] : cpus_[queue % cpus_.size()];
      if (cpu == UINT32_MAX)
        unplaced_.insert(queue);
      else
        by_cpu_[cpu].insert({.device = nic.name, .number = queue});
    }
  }

  std::set<uint32_t> deferred_queues() {
    std::set<uint32_t> deferred = unplaced_;
    if (!unplaced_.empty())
      tell("tuning.napi",
           fmt::format("queues {} are deferred and not busy-polled: on which CPU is not known, as their "
                       "interrupts are on no single one",
                       list_of(unplaced_)),
           "name CPUs in tuning.cpus", true);
    std::set<uint32_t> refused;
    std::ranges::set_intersection(unpolled_, there_, std::inserter(refused, refused.end()));
    if (!refused.empty())
      tell("tuning.napi",
           fmt::format(
               "queues {} are deferred and not busy-polled: nothing on this kernel polls them for a process",
               list_of(refused)),
           "journalctl -u 'xdpfwd-poller@*' says what each way lacks; a reload tries again", false);
    deferred.insert(refused.begin(), refused.end());
    for (const auto& [cpu, queues] : by_cpu_) {
      std::set<uint32_t> beyond;
      size_t taken = 0;
      for (const Poller::Queue& queue : queues)
        if (!deferred.contains(queue.number) && ++taken > kMostQueues) beyond.insert(queue.number);
      if (beyond.empty()) continue;
      tell("tuning.napi",
           fmt::format(
               "queues {} are deferred and not busy-polled: CPU {} has more than the {} that a poller takes",
               list_of(beyond), cpu, kMostQueues),
           "name more CPUs in tuning.cpus", true);
      deferred.insert(beyond.begin(), beyond.end());
    }
    return deferred;
  }

  // Where none is left, the mode itself: some kernels have one for all queues of a NIC.
  NapiWish without(const std::set<uint32_t>& deferred) const {
    NapiWish wish = tuning_.napi;
    const bool all = !seen_ || (!there_.empty() && std::ranges::includes(deferred, there_));
    std::vector<NapiWish::Exception> left;
    for (NapiWish::Exception& exception : wish.exceptions) {
      if (exception.mode != NapiMode::kBusyPoll) continue;
      if (all) {
        exception.mode = NapiMode::kDeferred;
        continue;
      }
      NapiWish::Exception moved{.queues = {}, .mode = NapiMode::kDeferred};
      std::erase_if(exception.queues, [&](uint32_t queue) {
        if (!deferred.contains(queue)) return false;
        moved.queues.push_back(queue);
        return true;
      });
      if (!moved.queues.empty()) left.push_back(std::move(moved));
    }
    if (wish.mode == NapiMode::kBusyPoll) {
      if (all) {
        wish.mode = NapiMode::kDeferred;
      } else {
        NapiWish::Exception moved{.queues = {}, .mode = NapiMode::kDeferred};
        for (const uint32_t queue : deferred)
          if (tuning_.napi.of_queue(queue) == NapiMode::kBusyPoll && !named(queue))
            moved.queues.push_back(queue);
        if (!moved.queues.empty()) left.push_back(std::move(moved));
      }
    }
    std::erase_if(wish.exceptions, [](const auto& exception) { return exception.queues.empty(); });
    wish.exceptions.insert(wish.exceptions.end(), left.begin(), left.end());
    return wish;
  }
  [[nodiscard]] bool named(uint32_t queue) const {
    return std::ranges::any_of(tuning_.napi.exceptions,
                               [&](const auto& e) { return std::ranges::binary_search(e.queues, queue); });
  }

  // A round of turns is half of what the kernel waits before it polls itself.
  [[nodiscard]] uint32_t turn_of(size_t queues) const {
    const auto share = static_cast<uint32_t>(flush_usecs(tuning_, NapiMode::kBusyPoll) / (2 * queues));
    return std::clamp(share, kShortestTurnUs, kTurnUs);
  }

  void tell_of_cpus(const std::vector<Poller>& pollers) {
    if (pollers.empty()) return;
    if (pollers.size() >= members_.cpus.size())
      tell(
          "tuning.cpus",
          members_.cpus.size() == 1
              ? fmt::format("CPU {} is the only one, and a poller needs one to itself", pollers.front().cpu)
              : fmt::format("all {} CPUs have a poller, which needs its CPU to itself", members_.cpus.size()),
          "leave CPUs to the guests and the host: name fewer in tuning.cpus", true);
  }

  const TuningSettings& tuning_;
  const HostTuning& members_;
  const std::vector<uint32_t>& cpus_;
  const std::vector<uint32_t>& unpolled_;
  const UndoLog& log_;
  std::vector<Remark>& remarks_;
  std::map<uint32_t, std::set<Poller::Queue, ByNumber>> by_cpu_;
  std::set<uint32_t> there_;     // queues that some member has, and are to be polled
  bool seen_ = false;            // NAPI instances of a member
  std::set<uint32_t> unplaced_;  // of these, such without a CPU
};

// xdpfwd-poller reads %XX as a character (poller/options.h). Which others its file's reader takes for its own
// differs from release to release.
std::string in_file(const InterfaceName& device) {
  constexpr std::string_view kPlain = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-.@+";
  std::string text;
  for (const char c : device.view())
    text += kPlain.contains(c) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return text;
}

}  // namespace

bool wants_polling(const NapiWish& wish) {
  return wish.mode == NapiMode::kBusyPoll ||
         std::ranges::any_of(wish.exceptions, [](const auto& e) { return e.mode == NapiMode::kBusyPoll; });
}

std::string Poller::name() const {
  return fmt::format("cpu{}", cpu);
}

std::string Poller::configuration() const {
  std::string list;
  for (const Queue& queue : queues)
    list += fmt::format("{}\"{}:{},period={}\"", list.empty() ? "" : ", ", in_file(queue.device),
                        queue.number, period_us);
  const std::string idle = idle_ms ? fmt::format("idle-ms = {}\n", *idle_ms) : "";
  return fmt::format("cpu = {}\nqueue = [{}]\n{}", cpu, list, idle);
}

PollerChoice choose_pollers(const TuningSettings& tuning, const HostTuning& members,
                            const std::vector<uint32_t>& cpus, const std::vector<uint32_t>& unpolled,
                            const UndoLog& log, std::vector<Remark>& remarks) {
  if (!wants_polling(tuning.napi)) return {.pollers = {}, .napi = tuning.napi};
  return Choosing(tuning, members, cpus, unpolled, log, remarks).run();
}

}  // namespace xdpfwd

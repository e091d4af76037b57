// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/napi_modes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

#include "core/cpus.h"
#include "tuning/new_threads.h"

namespace xdpfwd {
namespace {

// Of deferred queues. Article 3's timer at a latency that guests hardly feel; 5 ms without a frame end it.
constexpr uint32_t kUsecs = 50;
constexpr uint32_t kPolls = 100;
// Of queues that are busy-polled: more than a round of the poller's turns (tuning/pollers.h), so that the
// timer comes only when the poller does not; and a ring of 256 holds what a million packets a second bring in
// it.
constexpr uint32_t kBusyUsecs = 200;
constexpr uint32_t kBusyPolls = 2;

constexpr std::array kModeKnobs = {Knob::kNapiThreaded, Knob::kNapiDefer, Knob::kGroFlush};

bool has_thread(NapiMode mode) {
  return mode == NapiMode::kThreaded || mode == NapiMode::kAuto;
}

// As far as the driver tells.
bool is_of_queue(const Nic& nic, uint32_t place) {
  return place < nic.queues.size() && place < nic.napis.size() && nic.queues[place].napi == nic.napis[place];
}

// Of a list with one CPU in it.
std::optional<uint32_t> only_cpu(const std::string* list) {
  uint32_t cpu = 0;
  if (!list) return std::nullopt;
  const auto [end, error] = std::from_chars(list->data(), list->data() + list->size(), cpu);
  return error == std::errc() && end == list->data() + list->size() ? std::optional(cpu) : std::nullopt;
}

uint32_t given_or(const NumberWish& wish, uint32_t automatic) {
  return wish.kind == NumberWish::Kind::kGiven ? wish.given : automatic;
}

std::string value_of(const TuningSettings& tuning, NapiMode mode, Knob knob) {
  if (knob == Knob::kNapiThreaded) return has_thread(mode) ? "on" : "off";
  if (mode != NapiMode::kDeferred && mode != NapiMode::kBusyPoll) return "0";
  const bool busy = mode == NapiMode::kBusyPoll;
  if (knob == Knob::kNapiDefer)
    return fmt::format("{}", given_or(tuning.napi_polls, busy ? kBusyPolls : kPolls));
  return fmt::format("{}", uint64_t{1000} * flush_usecs(tuning, mode));
}

// Whether a queue can be in this mode, and the others in that of all: where the NIC has one value, both have
// to want the same.
bool can_differ(const TuningSettings& tuning, const Nic& nic, const HostTuning& host, NapiMode own) {
  const NapiMode all = tuning.napi.mode;
  return own == all || std::ranges::all_of(kModeKnobs, [&](Knob knob) {
           const std::string* now = find_setting(host, {nic.ifindex, knob, kWholeDevice});
           if (!now) return true;
           const std::string to_be = all == NapiMode::kKeep ? *now : value_of(tuning, all, knob);
           return own != NapiMode::kKeep && value_of(tuning, own, knob) == to_be;
         });
}

std::string reason_of(NapiMode mode) {
  switch (mode) {
    case NapiMode::kThreaded:
      return "mode threaded: the scheduler sees the work, and it can be moved";
    case NapiMode::kAuto:
      return "mode auto: a thread that is packed with others on as few CPUs as they need";
    case NapiMode::kDeferred:
      return "mode deferred: a timer polls while frames come, without interrupts";
    case NapiMode::kBusyPoll:
      return "mode busy-poll: no interrupts while xdpfwd-poller polls, and the kernel's timer when it does "
             "not";
    default:
      return fmt::format("mode {}", name_of(mode));
  }
}

class Choice {
 public:
  Choice(const TuningSettings& tuning, const Nic& nic, const HostTuning& host,
         const std::vector<uint32_t>& cpus, std::vector<Remark>& remarks)
      : tuning_(tuning), nic_(nic), host_(host), cpus_(cpus), remarks_(remarks) {}

  std::vector<NapiDesire> run() {
    if (tuning_.napi == NapiWish{}) return {};
    for (const Knob knob : kModeKnobs) modes(knob);
    for (uint32_t place = 0; place < nic_.napis.size(); ++place) serve_thread(place);
    tell_what_cannot_be();
    return std::move(desires_);
  }

 private:
  [[nodiscard]] NapiMode mode_of(uint32_t place) const { return mode_of_napi(tuning_, nic_, host_, place); }
  void want(const Setting& setting, std::string value, std::string reason, bool roams = false) {
    desires_.push_back({setting, std::move(value), std::move(reason), roams});
  }
  void want_mode(Knob knob, uint32_t index, NapiMode mode) {
    if (mode == NapiMode::kKeep) return;
    const Setting setting{nic_.ifindex, knob, index};
    std::string value = value_of(tuning_, mode, knob);
    const bool pollers = mode == NapiMode::kBusyPoll && knob == Knob::kNapiThreaded && index != kWholeDevice;
    // A poller that has no other way polls by the kernel's own thread, which it made itself, and which
    // outlives it if it is killed: what was before has to be in the log.
    if (const std::string* now = find_setting(host_, setting); pollers && now && *now == "busy-poll")
      value = *now;
    want(setting, std::move(value), reason_of(mode), pollers);
  }

  void modes(Knob knob) {
    if (find_setting(host_, {nic_.ifindex, knob, kWholeDevice})) {
      want_mode(knob, kWholeDevice, tuning_.napi.mode);
      there_ = true;
      return;
    }
    for (uint32_t place = 0; place < nic_.napis.size(); ++place)
      if (find_setting(host_, {nic_.ifindex, knob, place})) {
        want_mode(knob, place, mode_of(place));
        there_ = true;
      }
  }

  void serve_thread(uint32_t place) {
    const Setting cpus{nic_.ifindex, Knob::kThreadCpus, place};
    const Setting schedule{nic_.ifindex, Knob::kThreadSched, place};
    if (!has_thread(mode_of(place))) return;
    packs_ = packs_ || mode_of(place) == NapiMode::kAuto;
    const auto has = [&](const Setting& of) {
      return find_setting(host_, of) || value_of_new_thread(host_, of);
    };
    if (!cpus_.empty() && has(cpus))
      want(cpus, fmt::format("{}", cpu_of_napi(tuning_, nic_, host_, cpus_, place)),
           "the CPU of its interrupt: drivers stop polling where the two differ",
           mode_of(place) == NapiMode::kAuto);
    if (tuning_.napi_thread && has(schedule))
      want(schedule, tuning_.napi_thread->text(), "given in [tuning]");
  }

  [[nodiscard]] bool wants_threads() const {
    return has_thread(tuning_.napi.mode) ||
           std::ranges::any_of(tuning_.napi.exceptions, has_thread, &NapiWish::Exception::mode);
  }

  // Though another mode was wanted of them.
  [[nodiscard]] std::vector<uint32_t> queues_like_all() const {
    std::vector<uint32_t> queues;
    for (uint32_t queue = 0; queue < nic_.queues.size(); ++queue)
      if (is_of_queue(nic_, queue) && mode_of(queue) != tuning_.napi.of_queue(queue)) queues.push_back(queue);
    return queues;
  }

  void tell_what_cannot_be() {
    const auto tell = [&](std::string why, bool problem, std::string remedy = {}) {
      remarks_.push_back({nic_.name.text(), std::move(why), std::move(remedy), problem});
    };
    if (!there_) {
      tell("its NAPI instances are not seen: the NIC is down, or the kernel is too old for modes", false);
      return;
    }
    if (host_.hides_threads && wants_threads())
      tell("threads of NAPI are not seen from this PID namespace: they are neither pinned nor packed", true,
           "run xdpfwd in the host's PID namespace");
    if (packs_ && cpus_.empty())
      tell("mode auto packs nothing where tuning.cpus says no CPUs", true,
           "set tuning.cpus to \"auto\", or to a list of CPUs");
    const bool told = std::ranges::any_of(nic_.queues, [](const Queue& queue) { return queue.napi != 0; });
    if (tuning_.napi.exceptions.empty()) return;
    if (!told)
      tell(fmt::format("its driver ({}) does not tell which NAPI instance is a queue's: all are in mode {}",
                       nic_.driver.empty() ? "unknown" : nic_.driver, name_of(tuning_.napi.mode)),
           true);
    else if (const auto alike = queues_like_all(); !alike.empty())
      tell(
          fmt::format("this kernel has one value for all queues of a NIC, where theirs was to differ: queues "
                      "{} are in mode {}",
                      cpu_list_text(alike), name_of(tuning_.napi.mode)),
          true);
  }

  const TuningSettings& tuning_;
  const Nic& nic_;
  const HostTuning& host_;
  const std::vector<uint32_t>& cpus_;
  std::vector<Remark>& remarks_;
  std::vector<NapiDesire> desires_;
  bool there_ = false;  // a knob of a mode
  bool packs_ = false;  // some are in mode auto
};

}  // namespace

uint32_t flush_usecs(const TuningSettings& tuning, NapiMode mode) {
  return given_or(tuning.napi_usecs, mode == NapiMode::kBusyPoll ? kBusyUsecs : kUsecs);
}

NapiWish without_cpus(NapiWish wish) {
  const auto give_up = [](NapiMode& mode) {
    if (has_thread(mode)) mode = NapiMode::kKeep;
    if (mode == NapiMode::kBusyPoll) mode = NapiMode::kDeferred;
  };
  give_up(wish.mode);
  for (NapiWish::Exception& exception : wish.exceptions) give_up(exception.mode);
  return wish;
}

// Instances of no queue (of sending, with some drivers) have the mode of all, too.
NapiMode mode_of_napi(const TuningSettings& tuning, const Nic& nic, const HostTuning& host, uint32_t place) {
  if (!is_of_queue(nic, place)) return tuning.napi.mode;
  const NapiMode own = tuning.napi.of_queue(place);
  return can_differ(tuning, nic, host, own) ? own : tuning.napi.mode;
}

std::vector<uint32_t> cpus_to_pack(const TuningSettings& tuning, const HostTuning& host,
                                   const std::vector<uint32_t>& cpus) {
  std::set<uint32_t> of_others, of_pollers;
  for (const Nic& nic : host.nics)
    for (uint32_t queue = 0; queue < nic.queues.size(); ++queue) {
      const NapiMode mode = mode_of_napi(tuning, nic, host, queue);
      if (mode != NapiMode::kAuto) of_others.insert(cpus[queue % cpus.size()]);
      if (mode == NapiMode::kBusyPoll) of_pollers.insert(cpus[queue % cpus.size()]);
    }
  for (const auto& taken : {of_others, of_pollers}) {
    std::vector<uint32_t> left = cpus;
    std::erase_if(left, [&](uint32_t cpu) { return taken.contains(cpu); });
    if (!left.empty()) return left;
  }
  return cpus;
}

uint32_t cpu_of_napi(const TuningSettings& tuning, const Nic& nic, const HostTuning& host,
                     const std::vector<uint32_t>& cpus, uint32_t place) {
  // Instances of sending follow those of receiving, in the same order.
  const size_t queue = nic.queues.empty() ? place : place % nic.queues.size();
  if (mode_of_napi(tuning, nic, host, place) != NapiMode::kAuto) return cpus[queue % cpus.size()];
  const std::vector<uint32_t> packed = cpus_to_pack(tuning, host, cpus);
  const auto now = only_cpu(find_setting(host, {nic.ifindex, Knob::kThreadCpus, place}));
  return now && std::ranges::find(packed, *now) != packed.end() ? *now : packed[queue % packed.size()];
}

std::vector<NapiDesire> choose_napi(const TuningSettings& tuning, const Nic& nic, const HostTuning& host,
                                    const std::vector<uint32_t>& cpus, std::vector<Remark>& remarks) {
  return Choice(tuning, nic, host, cpus, remarks).run();
}

}  // namespace xdpfwd

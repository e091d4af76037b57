// SPDX-License-Identifier: BSD-2-Clause
#include "poller/poller.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>

#include "kernel/pid_namespace.h"
#include "poller/choose_handle.h"
#include "poller/own_cpu.h"
#include "poller/privileges.h"

namespace xdpfwd::poller {
namespace {

// How often counts are written down and the kernel's news are read.
constexpr auto kTick = std::chrono::milliseconds(10);
// How long it sleeps when no queue can have work for it; news of links end that.
constexpr auto kRest = std::chrono::milliseconds(100);
// How often all queues are looked up. Nobody tells of every reset.
constexpr auto kLocate = std::chrono::seconds(1);
// How often at most because nobody polled.
constexpr auto kSuspicion = std::chrono::milliseconds(100);
// How often at most the deferral of a queue is set again, as whoever changes it may not give in.
constexpr auto kDeferAgain = std::chrono::seconds(10);

std::chrono::nanoseconds clock_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}
// By this thread.
std::chrono::nanoseconds time_run() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}
uint64_t count_of(std::chrono::nanoseconds time) {
  return static_cast<uint64_t>(time.count());
}

void say(const std::string& text) {
  fmt::print(stderr, "xdpfwd-poller: {}\n", text);
}

}  // namespace

Poller::Poller(const Options& options, CountersFile counters, Changes changes, NapiLookup lookup,
               NetlinkSocket links, PollCounter counter)
    : options_(options),
      file_(std::move(counters)),
      changes_(std::move(changes)),
      lookup_(std::move(lookup)),
      links_(std::move(links)),
      counter_(std::move(counter)),
      rotation_(options.queues.size(), options.idle),
      // Who is alone may go on until it is time to look at the others.
      turn_length_(options.look) {}

Result<std::unique_ptr<Poller>> Poller::start(const Options& options, CountersFile counters,
                                              Changes changes) {
  if (!in_first_pid_namespace("/proc"))
    return fail("in this PID namespace its own polls, and threads of NAPI, cannot be told from others'",
                "run xdpfwd-poller in the host's PID namespace");
  if (auto moved = move_to_cpu(options.cpu); !moved) return std::unexpected(moved.error());
  auto lookup = NapiLookup::open();
  if (!lookup) return std::unexpected(lookup.error());
  if (auto undone = changes.undo_all(*lookup); !undone)
    return fail_in("putting back what a poller that was killed has left", undone.error());
  // Before the first look, so that no change falls between them.
  auto links = NetlinkSocket::open(NETLINK_ROUTE);
  if (!links) return std::unexpected(links.error());
  if (auto joined = links->join(RTNLGRP_LINK); !joined) return std::unexpected(joined.error());
  auto counter = PollCounter::load();
  if (!counter) return std::unexpected(counter.error());
  std::unique_ptr<Poller> poller(new Poller(options, std::move(counters), std::move(changes),
                                            std::move(*lookup), std::move(*links), std::move(*counter)));
  uint64_t kept = options.set_deferral ? uint64_t{1} << CAP_NET_ADMIN : 0;
  for (size_t i = 0; i < options.queues.size(); ++i) {
    poller->served_.emplace_back().spec = options.queues[i];
    if (auto served = poller->serve(i); !served) return fail_in(options.queues[i].name(), served.error());
    kept |= poller->served_.back().handle->needed_capabilities();
  }
  if (auto dropped = keep_capabilities(kept); !dropped) return std::unexpected(dropped.error());
  PollerCounters& shared = poller->file_.counters();
  shared.pid = static_cast<uint32_t>(::getpid());
  shared.cpu = options.cpu;
  shared.started_ns = count_of(clock_now());
  poller->publish(clock_now());
  shared.queues = static_cast<uint32_t>(options.queues.size());
  return poller;
}

Poller::~Poller() {
  served_.clear();
  // A NIC that is gone, or was reset, has nothing of ours any more.
  if (auto undone = changes_.undo_all(lookup_); !undone) say("putting back: " + undone.error().text());
  if (!changes_.empty())
    say("a NIC is down: what was set of it stays noted; '--release' puts it back once the NIC is up");
}

// For the first time: everything has to be there.
Result<void> Poller::serve(size_t index) {
  Served& served = served_[index];
  served.ifindex = if_nametoindex(served.spec.device.c_str());
  if (served.ifindex == 0)
    return fail(fmt::format("there is no NIC '{}' here", served.spec.device),
                "see 'ip link'; a NIC belongs to one network namespace", ENODEV);
  auto instance = lookup_.find(served.ifindex, served.spec.queue);
  if (!instance) {
    Error error = instance.error();
    error.code = error.code == EOPNOTSUPP ? ENOTSUP : ENODEV;
    return std::unexpected(error);
  }
  const NapiPlace place{.ifindex = served.ifindex, .queue = served.spec.queue, .napi = instance->id};
  auto handle = choose_handle({.choice = options_.handle,
                               .budget = served.spec.budget,
                               .cpu = options_.cpu,
                               .longest_turn = longest_period(options_.queues),
                               .uring = uring_},
                              place, lookup_, changes_);
  if (!handle) return std::unexpected(handle.error());
  served.handle = std::move(*handle);
  served.instance = *instance;
  if (served.handle->kind() == HandleKind::kThreaded) rotation_.polls_itself(index);
  if (served.handle->shares_turns()) rotation_.shares_turns(index);
  if (served.handle->kind() == HandleKind::kIoUring && served.spec.budget != 0)
    say(fmt::format("{}: the budget is not used: io_uring polls 8 frames at a time", served.spec.name()));
  if (auto deferred = defer_interrupts(served); !deferred) return deferred;
  check_deferral(served);
  counter_.watch(index, served.instance.id);
  rotation_.set_present(index, true, clock_now());
  say(fmt::format("{}: NAPI instance {} is polled on CPU {} by {}", served.spec.name(), served.instance.id,
                  options_.cpu, name_of(served.handle->kind())));
  return {};
}

const Poller::Told& Poller::ask(const std::string& device, AllTold& all) {
  const auto known = all.find(device);
  if (known != all.end()) return known->second;
  const uint32_t ifindex = if_nametoindex(device.c_str());
  Result<NicNapis> napis = fail("the NIC is gone");
  if (ifindex != 0) napis = lookup_.read(ifindex);
  return all.emplace(device, Told{ifindex, std::move(napis)}).first->second;
}

Result<void> Poller::locate(size_t index, AllTold& all) {
  Served& served = served_[index];
  const Told& told = ask(served.spec.device, all);
  if (!told.napis) return std::unexpected(told.napis.error());
  const uint32_t ifindex = told.ifindex;
  const auto instance = told.napis->of(served.spec.queue);
  if (!instance) return std::unexpected(instance.error());
  const bool another = ifindex != served.ifindex || instance->id != served.instance.id;
  const bool lost = !another && served.handle->lost(instance->thread);
  const Deferral last = served.instance.deferral.value_or(Deferral{});
  if (another && !told.napis->has(served.instance.id)) changes_.forget(ifindex, served.instance.id);
  if (another || lost) {
    const NapiPlace place{.ifindex = ifindex, .queue = served.spec.queue, .napi = instance->id};
    if (auto aimed = served.handle->aim(place); !aimed) return aimed;
    ++served.lookups;
    if (lost)
      say(fmt::format("{}: the thread of NAPI instance {} was taken away, it has another one",
                      served.spec.name(), instance->id));
    else
      say(fmt::format("{}: it has NAPI instance {} now, and not {}", served.spec.name(), instance->id,
                      served.instance.id));
  }
  served.ifindex = ifindex;
  served.instance = *instance;
  // Also what another poller of the queue had set, and took away when it ended.
  if (another || clock_now() >= served.next_deferral) {
    const Deferral found = instance->deferral.value_or(Deferral{});
    if (auto deferred = defer_interrupts(served); !deferred) return deferred;
    if (!another && served.instance.deferral.value_or(Deferral{}) != found)
      say(fmt::format("{}: its deferral is set again, as somebody else set {} and {} ns", served.spec.name(),
                      found.hard_irqs, found.flush_timeout_ns));
  }
  if (another || served.instance.deferral.value_or(Deferral{}) != last) check_deferral(served);
  counter_.watch(index, served.instance.id);
  return {};
}

void Poller::locate_all() {
  AllTold all;
  for (size_t i = 0; i < served_.size(); ++i) {
    Served& served = served_[i];
    const auto located = locate(i, all);
    rotation_.set_present(i, located.has_value(), clock_now());
    if (!located) {
      counter_.watch(i, 0);
      served.ifindex = 0;  // what comes next is another one
    }
    const std::string trouble = located ? "" : located.error().text();
    if (trouble == served.trouble) continue;
    served.trouble = trouble;
    say(trouble.empty() ? fmt::format("{}: is polled again", served.spec.name())
                        : fmt::format("{}: {}; it is looked for every second", served.spec.name(), trouble));
  }
}

Result<void> Poller::defer_interrupts(Served& served) {
  if (!options_.set_deferral || served.instance.deferral == kDeferral) return {};
  if (!served.instance.deferral)
    return fail("this kernel has no deferral of one NAPI instance's interrupts",
                "without --set-deferral, write napi_defer_hard_irqs and gro_flush_timeout in "
                "/sys/class/net/" +
                    served.spec.device);
  const NapiPlace place{.ifindex = served.ifindex, .queue = served.spec.queue, .napi = served.instance.id};
  for (const auto& [which, value] : {std::pair(NapiValue::kDefer, uint64_t{kDeferral.hard_irqs}),
                                     std::pair(NapiValue::kFlush, kDeferral.flush_timeout_ns)})
    if (auto set = changes_.set(lookup_, place, which, value); !set)
      return fail_in("deferring its interrupts", set.error());
  served.next_deferral = clock_now() + kDeferAgain;
  served.instance.deferral = kDeferral;
  return {};
}

void Poller::check_deferral(const Served& served) const {
  if (served.handle->kind() == HandleKind::kThreaded) return;  // has no turns
  const Deferral deferral = served.instance.deferral.value_or(Deferral{});
  const std::chrono::nanoseconds round = round_of(options_.queues);
  if (!deferral.masks())
    say(
        fmt::format("{}: its interrupts are not masked between turns, as defer-hard-irqs is {} and "
                    "gro-flush-timeout {} ns; {}",
                    served.spec.name(), deferral.hard_irqs, deferral.flush_timeout_ns,
                    options_.set_deferral ? "they are set again soon" : "set both, or use --set-deferral"));
  else if (served_.size() > 1 && !served.handle->shares_turns() &&
           deferral.flush_timeout_ns < count_of(round))
    say(
        fmt::format("{}: a round of turns takes {} ns, its gro-flush-timeout is {} ns: softirqs poll it in "
                    "between; make the periods shorter, or the timeout longer",
                    served.spec.name(), round.count(), deferral.flush_timeout_ns));
}

Result<void> Poller::run(const std::atomic<bool>& stop) {
  uint64_t watchdog_us = 0;
  const bool watched = sd_watchdog_enabled(0, &watchdog_us) > 0;
  (void)sd_notify(0, "READY=1");
  Nanoseconds next_sign{0};
  while (!stop.load(std::memory_order_relaxed)) {
    const Nanoseconds now = clock_now();
    if (now >= next_tick_)
      if (auto ticked = tick(now); !ticked) return ticked;
    if (watched && now >= next_sign) {
      (void)sd_notify(0, "WATCHDOG=1");
      next_sign = now + std::chrono::microseconds(watchdog_us) / 4;
    }
    if (const auto queue = rotation_.next()) {
      poll(*queue);
    } else {
      sleep(rotation_.any_backed_off() ? options_.look : kRest);
    }
    count(clock_now());
  }
  publish(clock_now());
  (void)sd_notify(0, "STOPPING=1");
  return {};
}

void Poller::poll(size_t index) {
  Served& served = served_[index];
  const bool shared = served.handle->shares_turns();
  if (shared)
    counter_.begin_shared_turn();
  else
    counter_.begin_turn(index);
  const Nanoseconds began = clock_now();
  const Nanoseconds ran = time_run();
  const uint64_t frames = counter_.frames(index);
  const Nanoseconds timer(served.instance.deferral.value_or(Deferral{}).flush_timeout_ns);
  served.handle->poll(turn_length_.next(served.spec.period, rotation_.alone(), timer, began));
  counter_.end_turn();
  const Nanoseconds ended = clock_now();
  turn_length_.ended({.period = served.spec.period,
                      .lasted = ended - began,
                      .ran = time_run() - ran,
                      .frames = counter_.frames(index) - frames},
                     ended);
  ++served.turns;
  for (size_t i = 0; shared && i < served_.size(); ++i)
    if (i != index && served_[i].handle->shares_turns() && rotation_.state(i) == QueueState::kPolling)
      ++served_[i].turns;
}

void Poller::sleep(Nanoseconds at_most) {
  const Nanoseconds begin = clock_now();
  pollfd news{.fd = links_.fd(), .events = POLLIN, .revents = 0};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at_most);
  const timespec time{.tv_sec = seconds.count(), .tv_nsec = (at_most - seconds).count()};
  if (::ppoll(&news, 1, &time, nullptr) > 0) next_tick_ = Nanoseconds(0);
  ++file_.counters().sleeps;
  file_.counters().slept_ns += count_of(clock_now() - begin);
}

void Poller::count(Nanoseconds now) {
  for (size_t i = 0; i < served_.size(); ++i) {
    rotation_.counted(i, counter_.frames(i), now);
    served_[i].handle->rest(rotation_.state(i) != QueueState::kPolling);
  }
}

Result<void> Poller::tick(Nanoseconds now) {
  next_tick_ = now + kTick;
  // The kernel moves a thread whose CPU goes, and says nothing. Elsewhere it would take others' time.
  if (static_cast<uint32_t>(::sched_getcpu()) != options_.cpu)
    if (auto moved = move_to_cpu(options_.cpu); !moved) return moved;
  bool look = links_.drain() || now >= next_locate_;
  // Turns without any poll, whoever's: the instance may be gone.
  for (size_t i = 0; i < served_.size(); ++i) {
    Served& served = served_[i];
    const xdpfwd_poller_row row = counter_.row(i);
    const uint64_t polls = row.own_polls + row.other_polls;
    if (served.turns != served.turns_checked && polls == served.polls_checked && now >= next_suspicion_) {
      next_suspicion_ = now + kSuspicion;
      look = true;
    }
    served.turns_checked = served.turns;
    served.polls_checked = polls;
  }
  if (look) {
    next_locate_ = now + kLocate;
    locate_all();
  }
  publish(now);
  return {};
}

void Poller::publish(Nanoseconds now) {
  PollerCounters& shared = file_.counters();
  shared.heartbeat_ns = count_of(now);
  for (size_t i = 0; i < served_.size(); ++i) {
    const Served& served = served_[i];
    const Deferral deferral = served.instance.deferral.value_or(Deferral{});
    const xdpfwd_poller_row row = counter_.row(i);
    const bool absent = rotation_.state(i) == QueueState::kAbsent;
    PollerQueueCounters& queue = shared.queue[i];
    std::strncpy(queue.device, served.spec.device.c_str(), sizeof(queue.device) - 1);
    queue.queue = served.spec.queue;
    queue.napi = absent ? 0 : served.instance.id;
    queue.state = static_cast<uint32_t>(rotation_.state(i));
    queue.handle = static_cast<uint32_t>(served.handle->kind());
    queue.defer_hard_irqs = deferral.hard_irqs;
    queue.interrupts_masked = deferral.masks() ? 1 : 0;
    queue.flush_timeout_ns = deferral.flush_timeout_ns;
    queue.turns = served.turns;
    queue.own_polls = row.own_polls;
    queue.own_worked = row.own_worked;
    queue.own_packets = row.own_packets;
    queue.other_polls = row.other_polls;
    queue.other_packets = row.other_packets;
    queue.backoffs = rotation_.backoffs(i);
    queue.returns = rotation_.returns(i);
    queue.lookups = served.lookups;
  }
}

}  // namespace xdpfwd::poller

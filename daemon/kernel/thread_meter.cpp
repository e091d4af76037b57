// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/thread_meter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <span>

#include "base/unique_fd.h"
#include "kernel/interrupts.h"
#include "kernel/napi_knobs.h"
#include "kernel/thread_schedule.h"

namespace xdpfwd {
namespace {

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

struct Metered {
  uint32_t napi = 0;
  pid_t thread = 0;
  // schedstat. It stays open: reading it again takes a microsecond, and it is of this thread, not of whoever
  // has its number by then.
  UniqueFd file;
  uint64_t started_ns = 0;  // as the program tells it
  uint32_t irq = 0;
  std::string handlers;           // of the interrupt; empty: it is none of the NIC's
  std::optional<uint32_t> place;  // where its polls are counted
};

Result<ThreadTimes> read_times(const Metered& metered) {
  char text[96];
  const ssize_t length = ::pread(metered.file.get(), text, sizeof text, 0);
  if (length < 0)
    return fail_errno(fmt::format("thread {} of NAPI", metered.thread), errno,
                      "look again: a reset makes others");
  ThreadTimes times{.time_ns = monotonic_ns()};
  const auto ran = std::from_chars(text, text + length, times.ran_ns);
  if (ran.ec != std::errc() || ran.ptr == text + length || *ran.ptr != ' ')
    return fail("schedstat of a thread of NAPI cannot be read", "the kernel needs CONFIG_SCHED_INFO", EINVAL);
  std::from_chars(ran.ptr + 1, text + length, times.waited_ns);
  return times;
}

class Meter final : public ThreadMeter {
 public:
  Meter(HostRoots roots, std::vector<Metered> threads)
      : roots_(std::move(roots)), threads_(std::move(threads)) {
    for (const Metered& one : threads_) numbers_.push_back(one.thread);
  }
  ~Meter() override {
    for (const Metered& one : threads_)
      if (one.place) polls_->forget(*one.place);
  }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  void count_polls(const Result<std::shared_ptr<PollMeter>>& polls) {
    if (!polls) {
      uncounted_ = polls.error();
      return;
    }
    polls_ = *polls;
    for (Metered& one : threads_) {
      const auto place = polls_->count(one.napi);
      if (place)
        one.place = *place;
      else
        uncounted_ = place.error();
    }
  }

  // By the program from now on, if it reads the same threads as their files: in another PID namespace their
  // numbers are others'. The files prove that all are alive before and after.
  Result<void> begin(const Result<std::shared_ptr<ThreadTimer>>& timer) {
    const auto before = read();
    if (!before) return std::unexpected(before.error());
    const auto timed = timer ? (*timer)->read(numbers_) : std::span<const xdpfwd_thread_times>();
    const auto after = read();
    if (!after) return std::unexpected(after.error());
    if (!timer)
      one_by_one_ = timer.error();
    else if (const auto same = note_starts(*before, timed, *after); !same)
      one_by_one_ = same.error();
    else
      timer_ = *timer;
    return {};
  }

  // What is not of the thread that it was made for, its file tells.
  Result<std::vector<ThreadTimes>> read() override {
    const auto timed = timer_ ? timer_->read(numbers_) : std::span<const xdpfwd_thread_times>();
    if (timer_) one_by_one_.reset();
    if (timer_ && timed.empty())
      one_by_one_ = Error{.message = "the kernel does not run the program that reads them any more"};
    std::vector<ThreadTimes> all;
    all.reserve(threads_.size());
    for (size_t i = 0; i < threads_.size(); ++i) {
      if (i < timed.size() && is_of_thread(timed[i], threads_[i].started_ns)) {
        all.push_back(
            {.time_ns = timed[i].time_ns, .ran_ns = timed[i].ran_ns, .waited_ns = timed[i].waited_ns});
      } else {
        const auto times = read_times(threads_[i]);
        if (!times) return std::unexpected(times.error());
        all.push_back(*times);
      }
      if (threads_[i].place) all.back().work = polls_->work(*threads_[i].place);
    }
    return all;
  }

  [[nodiscard]] std::optional<Error> one_by_one() const override { return one_by_one_; }
  [[nodiscard]] std::optional<Error> uncounted() const override { return uncounted_; }

  // A thread is moved by its number. While its file can be read, nobody else has that: read before, it keeps
  // another from being moved; read after, it proves that none was. What is left is a thread that ends between
  // two calls, and whose number is given away meanwhile, for which all others must have been: that is told.
  Result<void> move_thread(size_t nth, uint32_t cpu) override {
    const Metered& one = threads_.at(nth);
    if (const auto alive = read_times(one); !alive) return std::unexpected(alive.error());
    const std::string wanted = fmt::format("{}", cpu);
    if (auto set = set_thread_cpus(one.thread, wanted); !set) return set;
    const auto now = read_thread_cpus(one.thread);
    if (const auto alive = read_times(one); !alive)
      return fail_in(fmt::format("whoever is process {} now may have been moved to CPU {}", one.thread, cpu),
                     alive.error());
    if (!now) return std::unexpected(now.error());
    if (*now == wanted) return {};
    return fail(
        fmt::format("thread {} was moved to CPU {} without an error, and is on {}", one.thread, cpu, *now),
        {}, EOPNOTSUPP);
  }

  Result<void> move_interrupt(size_t nth, uint32_t cpu) override {
    const Metered& one = threads_.at(nth);
    if (one.handlers.empty())
      return fail(fmt::format("interrupt {} is of no queue of this NIC", one.irq),
                  "look again: a reset gives new numbers", ENODEV);
    return xdpfwd::move_interrupt(roots_, one.irq, one.handlers, cpu);
  }

 private:
  Result<void> note_starts(const std::vector<ThreadTimes>& before, std::span<const xdpfwd_thread_times> timed,
                           const std::vector<ThreadTimes>& after) {
    if (timed.size() != threads_.size())
      return fail(fmt::format("{} threads are not read in one call", threads_.size()));
    for (size_t i = 0; i < threads_.size(); ++i) {
      if (!lies_between(before[i], timed[i], after[i]))
        return fail(fmt::format("thread {} has another number in the initial PID namespace", numbers_[i]));
      threads_[i].started_ns = timed[i].started_ns;
    }
    return {};
  }

  HostRoots roots_;
  std::vector<Metered> threads_;
  std::vector<pid_t> numbers_;  // theirs, in their order
  std::shared_ptr<ThreadTimer> timer_;
  std::optional<Error> one_by_one_;
  std::shared_ptr<PollMeter> polls_;
  std::optional<Error> uncounted_;
};

// Who serves what, by NIC, asked once of each.
class Answers {
 public:
  Answers(NetdevFamily& netdev, const HostRoots& roots) : netdev_(netdev), roots_(roots) {}
  Result<pid_t> thread_of(const NapiThread& thread) {
    const auto [of_nic, is_new] = instances_.try_emplace(thread.nic.ifindex);
    if (is_new) of_nic->second = read_napi_instances(netdev_, roots_, thread.nic);
    const auto napi = std::ranges::find(of_nic->second, thread.napi, &NapiInstance::id);
    if (napi != of_nic->second.end() && napi->pid != 0) return static_cast<pid_t>(napi->pid);
    return fail(fmt::format("NAPI {} of {} has no thread", thread.napi, thread.nic.name.view()),
                "look again: a reset makes others", ESRCH);
  }

 private:
  NetdevFamily& netdev_;
  const HostRoots& roots_;
  std::map<uint32_t, std::vector<NapiInstance>> instances_;  // by ifindex
};

bool serves(const std::vector<Queue>& queues, uint32_t irq) {
  return std::ranges::any_of(queues,
                             [&](const Queue& queue) { return queue.irq == irq || queue.tx_irq == irq; });
}

std::unexpected<Error> not_opened(const HostRoots& roots, pid_t thread, const std::string& path, int error) {
  if (error == EMFILE)
    return fail_errno(path, error, "raise the limit of open files (LimitNOFILE= of the unit, ulimit -n)");
  if (error != ENOENT) return fail_errno(path, error);
  if (std::error_code unseen; std::filesystem::exists(fmt::format("{}/{}", roots.proc, thread), unseen))
    return fail_errno(path, error, "the kernel needs CONFIG_SCHED_INFO");
  return fail_errno(fmt::format("thread {} of NAPI", thread), ESRCH, "look again: a reset makes others");
}

}  // namespace

Result<std::unique_ptr<ThreadMeter>> meter_threads(NetdevFamily& netdev, const HostRoots& roots,
                                                   const std::vector<NapiThread>& threads,
                                                   const QueuesOf& queues_of,
                                                   const Result<std::shared_ptr<ThreadTimer>>& timer,
                                                   const Result<std::shared_ptr<PollMeter>>& polls) {
  std::vector<Metered> metered;
  metered.reserve(threads.size());
  Answers first(netdev, roots);
  for (const NapiThread& thread : threads) {
    const auto pid = first.thread_of(thread);
    if (!pid) return std::unexpected(pid.error());
    const std::string path = fmt::format("{}/{}/schedstat", roots.proc, *pid);
    Metered one{.napi = thread.napi,
                .thread = *pid,
                .file = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
                .irq = thread.irq,
                .handlers = {},
                .place = {}};
    if (!one.file) return not_opened(roots, *pid, path, errno);
    if (thread.irq != 0) one.handlers = read_handlers(roots, thread.irq).value_or("");
    metered.push_back(std::move(one));
  }
  // Asked again, now that the files are open: a number may have become another's between answer and open.
  // What is the same now, and can still be read, is what was meant.
  Answers second(netdev, roots);
  std::map<uint32_t, std::vector<Queue>> queues;  // by ifindex
  for (size_t i = 0; i < threads.size(); ++i) {
    const auto pid = second.thread_of(threads[i]);
    if (!pid) return std::unexpected(pid.error());
    if (*pid != metered[i].thread)
      return fail(fmt::format("NAPI {} has another thread by now", threads[i].napi), "look again", ESRCH);
    if (threads[i].irq == 0) continue;
    const auto [of_nic, is_new] = queues.try_emplace(threads[i].nic.ifindex);
    if (is_new) of_nic->second = queues_of(threads[i].nic);
    if (!serves(of_nic->second, threads[i].irq)) metered[i].handlers.clear();
  }
  auto meter = std::make_unique<Meter>(roots, std::move(metered));
  if (const auto begun = meter->begin(timer); !begun) return std::unexpected(begun.error());
  meter->count_polls(polls);
  return meter;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// What threads ran, and waited for a CPU, of all of them in one system call: by bpf/thread_times.bpf.c, which
// not every kernel loads.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "bpf/thread_times_abi.h"
#include "core/effect.h"

struct thread_times_bpf;

namespace xdpfwd {

class ThreadTimer {
 public:
  static constexpr size_t kMostThreads = XDPFWD_TIMED_THREADS;

  static Result<std::shared_ptr<ThreadTimer>> load();
  // Of whoever has these numbers in the initial PID namespace, in their order, until the next call. Empty:
  // they are too many, or the kernel refuses.
  std::span<const xdpfwd_thread_times> read(std::span<const pid_t> threads);

 private:
  struct Destroy {
    void operator()(thread_times_bpf* object) const;
  };
  explicit ThreadTimer(std::unique_ptr<thread_times_bpf, Destroy> object) : object_(std::move(object)) {}

  std::unique_ptr<thread_times_bpf, Destroy> object_;
};

// Whether it is there, and has not merely got the number of the one that started then.
inline bool is_of_thread(const xdpfwd_thread_times& timed, uint64_t started_ns) {
  return timed.found != 0 && timed.started_ns == started_ns;
}

// Whether it can be of the same thread as what its file told before and after.
inline bool lies_between(const ThreadTimes& before, const xdpfwd_thread_times& timed,
                         const ThreadTimes& after) {
  return timed.found != 0 && before.ran_ns <= timed.ran_ns && timed.ran_ns <= after.ran_ns &&
         before.waited_ns <= timed.waited_ns && timed.waited_ns <= after.waited_ns;
}

}  // namespace xdpfwd

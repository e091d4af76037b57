// SPDX-License-Identifier: BSD-2-Clause
// A process of a number that nobody has any more: who would be hit by a number that is out of date.
#pragma once

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

namespace xdpfwd::test {

class Namesake {
 public:
  explicit Namesake(pid_t number) {
    clone_args arguments{};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<uint64_t>(&number);
    arguments.set_tid_size = 1;
    process_ = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (process_ == 0)
      for (;;) syscall(SYS_pause);
  }
  ~Namesake() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Namesake(const Namesake&) = delete;
  Namesake& operator=(const Namesake&) = delete;
  [[nodiscard]] pid_t number() const { return process_; }

 private:
  pid_t process_ = -1;
};

}  // namespace xdpfwd::test

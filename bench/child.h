// SPDX-License-Identifier: BSD-2-Clause
// A contender's process: started in the network namespace of the calling thread, with a /sys that shows it,
// its output in a file, pinned to CPUs if asked. It dies with the harness, however that ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace xdpfwd::bench {

struct ChildOptions {
  std::vector<std::string> arguments;         // the first one is the program, looked for in PATH
  std::string log;                            // file for its standard output and error
  std::vector<std::string> environment = {};  // NAME=VALUE, on top of the caller's
  std::optional<unsigned> cpu = {};
};

struct ProcessCost {
  double rss_mib = 0;
  uint64_t cpu_ns = 0;  // of all its threads
  // The same by the kernel's own division, which looks once a tick, in hundredths of a second.
  uint64_t user_ticks = 0;
  uint64_t system_ticks = 0;
};

// The memory is the later's.
ProcessCost operator-(const ProcessCost& later, const ProcessCost& earlier);

// A program of this project: beside this one, or installed.
std::string beside_this_program(const std::string& name);

class Child {
 public:
  static Result<Child> start(const ChildOptions& options);
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), options_(std::move(other.options_)) {}
  Child& operator=(Child&& other) noexcept;
  ~Child() { end(9); }

  // Sends the signal, SIGKILL when that has no effect within five seconds, and waits.
  void end(int signal);
  // Stopped processes cost nothing: the contenders whose turn it is not are stopped.
  void freeze() const;
  void thaw() const;
  [[nodiscard]] bool running() const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] ProcessCost cost() const;
  // The end of its log, for messages.
  [[nodiscard]] std::string last_words() const;

 private:
  Child(pid_t pid, ChildOptions options) : pid_(pid), options_(std::move(options)) {}
  pid_t pid_ = -1;
  ChildOptions options_;
};

}  // namespace xdpfwd::bench

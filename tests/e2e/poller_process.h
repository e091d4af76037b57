// SPDX-License-Identifier: BSD-2-Clause
// The real xdpfwd-poller as a child process, with a folder of its own in the test's sandbox.
#pragma once

#include <sys/types.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace xdpfwd::test {

class PollerProcess {
 public:
  // Its counters are in /mnt/FOLDER/NAME.
  explicit PollerProcess(const std::string& folder, std::string name = "run");
  ~PollerProcess();
  PollerProcess(const PollerProcess&) = delete;
  PollerProcess& operator=(const PollerProcess&) = delete;

  // Starts it and returns when it says that it is ready; throws if it ends before.
  void start(const std::vector<std::string>& arguments);
  // Starts it and waits for its end; the exit status.
  int start_and_fail(const std::vector<std::string>& arguments);
  void signal(int signal) const;
  // Sends the signal and waits for the end; the exit status, or 128 + signal.
  int end(int signal);
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Runs xdpfwd-poller --release for it; the exit status.
  [[nodiscard]] int release() const;
  // What it has noted to be put back.
  [[nodiscard]] std::string changes() const;
  // What it wrote to its log so far.
  [[nodiscard]] std::string log() const;
  // What xdpfwd-poller --status says of it; null when that fails.
  [[nodiscard]] nlohmann::json status() const;
  // The first queue of it.
  [[nodiscard]] nlohmann::json queue() const { return status()["queues"][0]; }
  // Until the first queue is as wanted; false after a minute.
  [[nodiscard]] bool wait_queue(const std::function<bool(const nlohmann::json&)>& wanted) const;

 private:
  void spawn(const std::vector<std::string>& arguments);
  int reap();
  std::string folder_;
  std::string counters_;
  UniqueFd notify_;
  pid_t pid_ = -1;
};

// Of the CPUs that this process may use: the last for a poller, the first for all else.
unsigned poller_cpu();
unsigned other_cpu();

}  // namespace xdpfwd::test

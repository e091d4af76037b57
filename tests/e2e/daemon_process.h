// SPDX-License-Identifier: BSD-2-Clause
// The real daemon as a child process, with a configuration, folders and a socket of its own, in the test's
// sandbox. What systemd would hear, the test hears: waits are for notifications, not for time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace xdpfwd::test {

class DaemonProcess {
 public:
  // `name` makes the folders: /mnt/NAME and <bpffs>/NAME.
  explicit DaemonProcess(const std::string& name);
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  // Everything but [daemon] and [control], which are the test's.
  void write_config(const std::string& toml) const;
  // Writes a drop-in file; an empty text removes it.
  void write_drop_in(const std::string& file, const std::string& toml) const;

  // Starts it and returns when it is ready; throws if it ends before.
  void start();
  // Starts it, expecting that it refuses; its exit status.
  int start_and_fail();
  // Sends the signal and waits for the end; the exit status, or 128 + signal.
  int end(int signal);
  // SIGHUP, and waits until the reload is over.
  void reload();
  [[nodiscard]] bool running() const { return pid_ > 0; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // What it wrote to its log so far.
  [[nodiscard]] std::string log() const;

  // Runs xdpctl against it; throws if the exit status is not `expected`.
  std::string ctl(const std::string& arguments, int expected = 0) const;
  // Asks xdpctl again and again until its output holds `text`; throws after `at_most`.
  void wait_for_ctl(const std::string& arguments, const std::string& text,
                    std::chrono::milliseconds at_most = std::chrono::seconds(10)) const;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const std::string& bpffs() const { return bpffs_; }
  [[nodiscard]] std::string socket() const { return folder_ + "/control.sock"; }

 private:
  void spawn();
  void wait_notified(const std::string& what);
  int reap();

  std::string folder_;
  std::string bpffs_;
  UniqueFd notify_;
  pid_t pid_ = -1;
  // What it notified and nobody has asked for yet. Read by a thread: a full socket would block the daemon.
  std::mutex mutex_;
  std::condition_variable notified_;
  std::deque<std::string> notifications_;
  std::thread reader_;
};

}  // namespace xdpfwd::test

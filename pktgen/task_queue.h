// SPDX-License-Identifier: BSD-2-Clause
// How other threads reach into a receiver's thread: they leave a task, and wait until the thread has run it.
// So the thread owns all its data, and the path of a frame takes no lock.
#pragma once

#include <sys/eventfd.h>

#include <functional>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace xdpfwd::pktgen {

class TaskQueue {
 public:
  TaskQueue() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  // Readable when there are tasks.
  [[nodiscard]] int fd() const { return event_.get(); }

  // Runs `task` in the owner's thread, or, once the queue is closed, in the caller's.
  void run(std::function<void()> task) {
    std::packaged_task<void()> packaged(std::move(task));
    std::future<void> done = packaged.get_future();
    std::unique_lock lock(mutex_);
    if (!open_) {
      packaged();  // under the lock: two callers may be here
      return;
    }
    tasks_.push_back(std::move(packaged));
    lock.unlock();
    (void)!::eventfd_write(event_.get(), 1);
    done.wait();
  }

  // For the owner: before its thread starts, and in it.
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  void run_pending() {
    eventfd_t count = 0;
    (void)!::eventfd_read(event_.get(), &count);
    std::vector<std::packaged_task<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
  }
  // The thread's last act: runs what is left, and lets later callers run theirs.
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
    for (auto& task : tasks_) task();
    tasks_.clear();
  }

 private:
  UniqueFd event_;
  std::mutex mutex_;
  std::vector<std::packaged_task<void()>> tasks_;
  bool open_ = false;
};

}  // namespace xdpfwd::pktgen

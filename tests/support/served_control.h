// SPDX-License-Identifier: BSD-2-Clause
// A FakeControl behind a real control socket, served by a thread of its own as the daemon would by its main
// one.
#pragma once

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "base/unique_fd.h"
#include "shell/control_server.h"
#include "support/fake_control.h"

namespace xdpfwd {

// The server in a thread of its own, as the daemon would have it in its main one.
// Limits that do not depend on how busy the machine is: for tests of anything but the limits.
inline VarlinkLimits patient_limits() {
  constexpr std::chrono::minutes kLong{10};
  return {.request = kLong, .reply = kLong, .idle = kLong};
}

class Served {
 public:
  explicit Served(const std::string& path, VarlinkLimits limits = patient_limits(), std::string group = {}) {
    sd_event* loop = nullptr;
    EXPECT_GE(sd_event_new(&loop), 0);
    loop_.reset(loop);
    auto server = ControlServer::start(loop_.get(), control,
                                       {.socket = path,
                                        .group = std::move(group),
                                        .version = "test",
                                        .limits = limits,
                                        .on_drop = [this](const Peer&, const std::string& why) {
                                          const std::lock_guard lock(mutex_);
                                          drops_.push_back(why);
                                        }});
    if (!server) {
      error = server.error();
      return;
    }
    server_ = std::move(*server);
    stop_.reset(::eventfd(0, EFD_CLOEXEC));
    sd_event_add_io(
        loop_.get(), nullptr, stop_.get(), EPOLLIN,
        [](sd_event_source* source, int, uint32_t, void*) {
          return sd_event_exit(sd_event_source_get_event(source), 0);
        },
        nullptr);
    thread_ = std::thread([this] { sd_event_loop(loop_.get()); });
  }
  ~Served() {
    if (!thread_.joinable()) return;
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
    server_.reset();
  }

  [[nodiscard]] std::vector<std::string> drops() {
    const std::lock_guard lock(mutex_);
    return drops_;
  }
  // Waits until a drop for this reason was reported.
  bool dropped(std::string_view why, std::chrono::milliseconds within = std::chrono::seconds(60)) {
    const auto until = std::chrono::steady_clock::now() + within;
    do {
      for (const std::string& drop : drops())
        if (drop.find(why) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    } while (std::chrono::steady_clock::now() < until);
    return false;
  }

  FakeControl control;
  std::optional<Error> error;

 private:
  struct Unref {
    void operator()(sd_event* loop) const { sd_event_unref(loop); }
  };
  std::unique_ptr<sd_event, Unref> loop_;
  std::unique_ptr<ControlServer> server_;
  UniqueFd stop_;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<std::string> drops_;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// A system bus that is not there, or says nothing, is an error soon; how long stops are waited for. What
// systemd itself answers is seen in the lab.
#include "shell/systemd_services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/unique_fd.h"
#include "support/scratch_directory.h"

namespace xdpfwd::test {
namespace {

using testing::HasSubstr;

// A bus with one client and a systemd on it that stops every unit at once, or none ever.
class FakeSystemd {
 public:
  FakeSystemd(const UniqueFd& listening, bool stops)
      : stops_(stops), thread_([this, fd = listening.get()] { serve(fd); }) {}
  ~FakeSystemd() {
    over_ = true;
    thread_.join();
  }

 private:
  void serve(int listening) {
    const int client = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    sd_bus* bus = nullptr;
    sd_bus_new(&bus);
    sd_bus_set_fd(bus, client, client);
    sd_bus_set_server(bus, 1, SD_ID128_MAKE(78, 64, 70, 66, 77, 64, 00, 00, 00, 00, 00, 00, 00, 00, 00, 01));
    sd_bus_add_filter(bus, nullptr, answer, this);
    for (int result = sd_bus_start(bus); result >= 0 && !over_;)
      if (result = sd_bus_process(bus, nullptr); result == 0) result = sd_bus_wait(bus, 10'000);
    sd_bus_close_unref(bus);
  }
  static int answer(sd_bus_message* call, void* self, sd_bus_error* /*error*/) {
    auto* systemd = static_cast<FakeSystemd*>(self);
    if (sd_bus_message_is_method_call(call, nullptr, "Hello") > 0)
      return sd_bus_reply_method_return(call, "s", ":1.1");
    if (sd_bus_message_is_method_call(call, nullptr, "StopUnit") <= 0)
      return sd_bus_reply_method_return(call, "");
    const std::string job = "/org/freedesktop/systemd1/job/" + std::to_string(++systemd->jobs_);
    sd_bus_reply_method_return(call, "o", job.c_str());
    sd_bus_message* done = nullptr;
    if (!systemd->stops_ ||
        sd_bus_message_new_signal(sd_bus_message_get_bus(call), &done, "/org/freedesktop/systemd1",
                                  "org.freedesktop.systemd1.Manager", "JobRemoved") < 0)
      return 1;
    sd_bus_message_set_sender(done, ":1.7");
    sd_bus_message_append(done, "uoss", systemd->jobs_, job.c_str(), "any.service", "done");
    sd_bus_send(nullptr, done, nullptr);
    sd_bus_message_unref(done);
    return 1;
  }
  const bool stops_;
  uint32_t jobs_ = 0;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

class SystemdServicesTest : public testing::Test {
 protected:
  SystemdServicesTest() { ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + socket_).c_str(), 1); }
  ~SystemdServicesTest() override { ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS"); }
  [[nodiscard]] UniqueFd listen() const {
    UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listening.get(), 8), 0);
    return listening;
  }
  // Told to stop eight, and waited.
  [[nodiscard]] std::chrono::milliseconds stop_all() {
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 8; ++i) {
      const auto told = services_.stop("xdpfwd-poller@cpu3.service");
      EXPECT_TRUE(told) << told.error().text();
    }
    services_.await_stops();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  }
  ScratchDirectory scratch_;
  std::string socket_ = scratch_ / "bus";
  SystemdServices services_;
};

TEST_F(SystemdServicesTest, no_bus) {
  const auto status = services_.status("xdpfwd-poller@cpu3.service");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().text(), HasSubstr("cannot reach systemd over the system bus"));
  EXPECT_THAT(status.error().text(), HasSubstr("start dbus"));
}

TEST_F(SystemdServicesTest, a_bus_that_says_nothing_is_asked_once_and_then_left_alone) {
  const UniqueFd listening = listen();
  const auto asked = services_.start("xdpfwd-poller@cpu3.service");
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, ETIMEDOUT) << asked.error().text();
  const auto again = services_.stop("xdpfwd-poller@cpu3.service");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().text(), HasSubstr("did not answer over the system bus a moment ago"));
}

TEST_F(SystemdServicesTest, stops_that_last_are_waited_for_together) {
  const UniqueFd listening = listen();
  const FakeSystemd systemd(listening, false);
  const auto took = stop_all();
  EXPECT_GE(took.count(), 1900);
  EXPECT_LT(took.count(), 3900) << "one patience of two seconds for all";
}

TEST_F(SystemdServicesTest, stops_that_are_done_are_not_waited_for) {
  const UniqueFd listening = listen();
  const FakeSystemd systemd(listening, true);
  EXPECT_LT(stop_all().count(), 1900);
}

}  // namespace
}  // namespace xdpfwd::test

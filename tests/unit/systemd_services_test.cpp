// SPDX-License-Identifier: BSD-2-Clause
// A system bus that is not there, or says nothing, is an error soon. What systemd answers is seen in the lab.
#include "shell/systemd_services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>

#include "base/unique_fd.h"
#include "support/scratch_directory.h"

namespace xdpfwd::test {
namespace {

using testing::HasSubstr;

class SystemdServicesTest : public testing::Test {
 protected:
  SystemdServicesTest() { ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + socket_).c_str(), 1); }
  ~SystemdServicesTest() override { ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS"); }
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
  const UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listening.get(), 8), 0);
  const auto asked = services_.start("xdpfwd-poller@cpu3.service");
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, ETIMEDOUT) << asked.error().text();
  const auto again = services_.stop("xdpfwd-poller@cpu3.service");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().text(), HasSubstr("did not answer over the system bus a moment ago"));
}

}  // namespace
}  // namespace xdpfwd::test

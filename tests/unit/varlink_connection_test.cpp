// SPDX-License-Identifier: BSD-2-Clause
// One connection, without a server around it: what happens at its deadlines, to the millisecond.
#include "shell/varlink_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <thread>

namespace xdpfwd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class VarlinkConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    client.reset(pair[0]);
    connection.emplace(UniqueFd(pair[1]), Peer{}, limits, handler);
  }
  void send(std::string_view bytes) {
    ASSERT_EQ(::send(client.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  std::string received() {
    std::string bytes(1 << 20, '\0');
    const ssize_t got = ::recv(client.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return bytes;
  }

  std::chrono::milliseconds handling{0};
  size_t reply_bytes = 1;
  VarlinkHandler handler = [this](const Call&, const Peer&) -> ReplySource {
    std::this_thread::sleep_for(handling);
    return [this] { return Reply{"", {{"x", std::string(reply_bytes, 'x')}}, false}; };
  };
  VarlinkLimits limits{.clients = 1, .request_bytes = 1000, .request = 50ms, .reply = 50ms, .idle = 50ms};
  UniqueFd client;
  std::optional<VarlinkConnection> connection;
};

constexpr std::string_view kCall("{\"method\":\"a.B\"}\0", 17);

TEST_F(VarlinkConnectionTest, time_that_the_daemon_took_is_not_held_against_the_client) {
  // Half a request; the daemon does something else; the other half is there when it comes back.
  send(kCall.substr(0, 5));
  ASSERT_TRUE(connection->advance());
  send(kCall.substr(5));
  std::this_thread::sleep_for(60ms);
  ASSERT_TRUE(connection->advance());
  EXPECT_THAT(received(), HasSubstr("{\"x\":\"x\"}"));
  // Several calls, each of which takes longer than any limit.
  handling = 60ms;
  for (int i = 0; i < 9; ++i) send(kCall);
  for (int i = 0; i < 9 && connection->advance(); ++i) {
  }
  const std::string replies = received();
  EXPECT_EQ(std::count(replies.begin(), replies.end(), '\0'), 9) << connection->why_over();
}

TEST_F(VarlinkConnectionTest, half_a_request_is_over_at_its_deadline) {
  send(kCall.substr(0, 5));
  ASSERT_TRUE(connection->advance());
  EXPECT_FALSE(connection->idle());
  std::this_thread::sleep_for(60ms);
  send(kCall.substr(5, 1));
  EXPECT_FALSE(connection->advance());
  EXPECT_THAT(connection->why_over(), HasSubstr("did not finish its request"));
}

TEST_F(VarlinkConnectionTest, a_reply_that_is_not_read_is_over_at_its_deadline) {
  reply_bytes = 10'000'000;
  send(kCall);
  ASSERT_TRUE(connection->advance());
  EXPECT_TRUE(connection->wants_write());
  EXPECT_FALSE(connection->wants_read()) << "one thing at a time";
  std::this_thread::sleep_for(60ms);
  // Reading a part of it does not help.
  EXPECT_FALSE(received().empty());
  EXPECT_FALSE(connection->advance());
  EXPECT_THAT(connection->why_over(), HasSubstr("did not read its reply"));
}

TEST_F(VarlinkConnectionTest, silence_after_a_reply_is_over_at_its_deadline) {
  send(kCall);
  ASSERT_TRUE(connection->advance());
  EXPECT_TRUE(connection->idle());
  EXPECT_FALSE(received().empty());
  std::this_thread::sleep_for(60ms);
  EXPECT_FALSE(connection->advance());
  EXPECT_THAT(connection->why_over(), HasSubstr("idle for too long"));
}

TEST_F(VarlinkConnectionTest, deadlines_are_in_time_and_change_with_what_is_under_way) {
  const auto idle = connection->deadline();
  EXPECT_LE(idle, VarlinkConnection::Clock::now() + 50ms);
  std::this_thread::sleep_for(5ms);
  send(kCall.substr(0, 5));
  ASSERT_TRUE(connection->advance());
  const auto request = connection->deadline();
  EXPECT_GT(request, idle);
  send(kCall.substr(5, 1));
  ASSERT_TRUE(connection->advance());
  EXPECT_EQ(connection->deadline(), request) << "it counts from the first byte";
}

TEST_F(VarlinkConnectionTest, a_client_that_goes_is_no_complaint) {
  send(kCall);
  client.reset();
  EXPECT_FALSE(connection->advance());
  EXPECT_EQ(connection->why_over(), "");
}

// A reply that takes a while, with something that goes when nobody waits for it any more.
class VarlinkWaitTest : public VarlinkConnectionTest {
 protected:
  std::shared_ptr<int> held = std::make_shared<int>(0);
  VarlinkHandler slow = [this](const Call&, const Peer&) -> ReplySource {
    return [mine = held, asked = 0]() mutable {
      return asked++ == 0 ? Reply{.continues = true, .wait_ms = 100} : Reply{.parameters = {{"done", true}}};
    };
  };
  void SetUp() override {
    handler = slow;
    VarlinkConnectionTest::SetUp();
    send(kCall);
    ASSERT_TRUE(connection->advance());
  }
};

TEST_F(VarlinkWaitTest, a_reply_comes_when_its_time_has_come_and_not_before) {
  EXPECT_EQ(received(), "");
  EXPECT_FALSE(connection->wants_read() || connection->wants_write()) << "only the clock and a hang-up count";
  EXPECT_FALSE(connection->idle()) << "or it would be dropped for a newcomer";
  EXPECT_EQ(held.use_count(), 2);
  send(kCall);  // sent ahead
  std::this_thread::sleep_until(connection->deadline());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(connection->advance()) << connection->why_over();
  EXPECT_THAT(received(), HasSubstr("{\"done\":true}"));
  EXPECT_GT(connection->deadline(), VarlinkConnection::Clock::now()) << "the next one waits now";
}

TEST_F(VarlinkWaitTest, a_client_that_hangs_up_is_waited_for_no_more) {
  client.reset();
  EXPECT_FALSE(connection->advance());
  EXPECT_EQ(connection->why_over(), "");
  connection.reset();
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(VarlinkWaitTest, one_that_has_only_nothing_more_to_say_gets_its_reply) {
  ::shutdown(client.get(), SHUT_WR);
  ASSERT_TRUE(connection->advance());
  std::this_thread::sleep_until(connection->deadline());
  (void)connection->advance();
  EXPECT_THAT(received(), HasSubstr("{\"done\":true}"));
}

}  // namespace
}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// The control socket against clients of every kind: quick, slow, greedy, broken, and a hundred at once. Each
// test ends by asking once more, because whatever a client does, the next one is served.
#include "shell/varlink_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "support/scratch_directory.h"
#include "support/served_control.h"
#include "support/varlink_client.h"

namespace xdpfwd {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

Call status_call() {
  return {"org.xdpfwd.Control.GetStatus"};
}

class VarlinkServerTest : public testing::Test {
 protected:
  void expect_serves() {
    VarlinkTestClient client(path);
    ASSERT_TRUE(client.connected());
    const auto reply = client.ask(status_call());
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, "");
    EXPECT_EQ(reply->parameters["version"], "0.1.0");
  }

  ScratchDirectory directory;
  std::string path = directory / "run/control.sock";
};

// ---- the socket's file
// -------------------------------------------------------------------------------------

TEST_F(VarlinkServerTest, makes_the_socket_with_its_mode_and_removes_it) {
  {
    Served served(path);
    ASSERT_FALSE(served.error) << served.error->text();
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_TRUE(S_ISSOCK(info.st_mode));
    EXPECT_EQ(info.st_mode & 07777, 0660U);
    EXPECT_EQ(info.st_gid, ::getegid());
    expect_serves();
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  Served again(path);
  expect_serves();
}

TEST_F(VarlinkServerTest, gives_the_socket_to_its_group) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: it gives a file to another group";
  const struct group* daemon_group = ::getgrnam("daemon");
  ASSERT_NE(daemon_group, nullptr);
  Served served(path, patient_limits(), "daemon");
  ASSERT_FALSE(served.error) << served.error->text();
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, daemon_group->gr_gid);
  EXPECT_EQ(info.st_mode & 07777, 0660U);
}

TEST_F(VarlinkServerTest, says_why_it_cannot_listen) {
  Served group(path, patient_limits(), "no-such-group");
  ASSERT_TRUE(group.error);
  EXPECT_THAT(group.error->message, HasSubstr("no group 'no-such-group'"));
  EXPECT_THAT(group.error->remedy, HasSubstr("groupadd"));

  Served length("/" + std::string(200, 'x'));
  ASSERT_TRUE(length.error);
  EXPECT_THAT(length.error->message, HasSubstr("201 bytes"));

  Served nowhere(directory / "no/such/place/socket");
  ASSERT_TRUE(nowhere.error);
  EXPECT_THAT(nowhere.error->message, HasSubstr("no/such/place"));

  std::ofstream(directory / "file") << "precious";
  Served file(directory / "file");
  ASSERT_TRUE(file.error);
  EXPECT_THAT(file.error->message, HasSubstr("is not a socket"));
  EXPECT_EQ(std::ifstream(directory / "file").peek(), 'p');
}

TEST_F(VarlinkServerTest, replaces_the_socket_of_a_dead_daemon) {
  ::mkdir((directory / "run").c_str(), 0755);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  {
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ASSERT_EQ(::access(path.c_str(), F_OK), 0);
  Served served(path);
  ASSERT_FALSE(served.error) << served.error->text();
  expect_serves();
}

TEST_F(VarlinkServerTest, leaves_a_living_daemon_alone) {
  Served first(path);
  Served second(path);
  ASSERT_TRUE(second.error);
  EXPECT_THAT(second.error->message,
              HasSubstr("another xdpfwd is already running with the control socket " + path));
  EXPECT_THAT(second.error->remedy, HasSubstr("stop it, or give this one its own control.socket"));
  expect_serves();
}

TEST_F(VarlinkServerTest, leaves_another_program_that_listens_there_alone) {
  ::mkdir((directory / "run").c_str(), 0755);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const UniqueFd other(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(other.get(), 1), 0);
  Served served(path);
  ASSERT_TRUE(served.error);
  EXPECT_THAT(served.error->message,
              HasSubstr(fmt::format("another process ({}) listens on {}", ::getpid(), path)));
}

// ---- varlink
// -----------------------------------------------------------------------------------------------

TEST_F(VarlinkServerTest, answers_pipelined_calls_in_order_and_oneway_ones_not_at_all) {
  Served served(path);
  VarlinkTestClient client(path);
  std::string calls;
  for (int i = 0; i < 500; ++i) {
    calls += write_call({fmt::format("org.xdpfwd.Control.None{}", i)}) + '\0';
    calls += write_call({"org.xdpfwd.Control.Reload", Json::object(), false, true}) + '\0';
  }
  std::thread sender([&] { EXPECT_TRUE(client.send(calls)); });
  for (int i = 0; i < 500; ++i) {
    const auto reply = client.reply();
    ASSERT_TRUE(reply) << i;
    EXPECT_EQ(reply->parameters["method"], fmt::format("org.xdpfwd.Control.None{}", i));
  }
  sender.join();
  ASSERT_TRUE(client.ask(status_call()));
  EXPECT_EQ(served.control.reloads, 500U);
}

TEST_F(VarlinkServerTest, a_oneway_call_that_fails_is_silent_too) {
  Served served(path);
  VarlinkTestClient client(path);
  client.call({"a.b.C", Json::object(), false, true});
  const auto reply = client.ask(status_call());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, "");
}

TEST_F(VarlinkServerTest, a_client_that_sends_and_closes_is_still_heard) {
  Served served(path);
  {
    VarlinkTestClient client(path);
    client.call({"org.xdpfwd.Control.Reload", Json::object(), false, true});
    client.close();
  }
  VarlinkTestClient client(path);
  client.call(status_call());
  client.end_of_input();
  const auto reply = client.reply();
  ASSERT_TRUE(reply) << "a client may end its side after the question";
  EXPECT_EQ(reply->error, "");
  EXPECT_TRUE(client.closed_within(60s));
  EXPECT_EQ(served.control.reloads, 1U);
  EXPECT_THAT(served.drops(), IsEmpty());
}

TEST_F(VarlinkServerTest, a_request_may_come_byte_by_byte) {
  Served served(path);
  VarlinkTestClient client(path);
  for (const char byte : write_call(status_call()) + '\0') ASSERT_TRUE(client.send({&byte, 1}));
  const auto reply = client.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, "");
}

TEST_F(VarlinkServerTest, many_rows_are_streamed_no_faster_than_they_are_read) {
  Served served(path);
  served.control.made_up_rows = 60'000;
  VarlinkTestClient slow(path);
  slow.limit_receive_buffer(4096);
  slow.call({"org.xdpfwd.Control.ListFdb", Json::object(), true});
  ASSERT_TRUE(slow.reply());
  for (int i = 0; i < 10; ++i) expect_serves();
  // What is ahead of the reader is bounded by the socket's buffer and one reply, not by the table.
  EXPECT_LT(served.control.fdb_calls, 20U);
  size_t rows = 0, replies = 1;
  for (;;) {
    const auto reply = slow.reply();
    ASSERT_TRUE(reply);
    rows += reply->parameters["rows"].size();
    ++replies;
    if (!reply->continues) break;
  }
  EXPECT_EQ(rows, 60'000 - kEntriesPerReply);
  EXPECT_EQ(replies, 60'000 / kEntriesPerReply + 1);
  expect_serves();
}

TEST_F(VarlinkServerTest, a_client_may_go_in_the_middle_of_a_stream) {
  Served served(path);
  served.control.made_up_rows = 200'000;
  for (int i = 0; i < 20; ++i) {
    VarlinkTestClient client(path);
    client.call({"org.xdpfwd.Control.ListFdb", Json::object(), true});
    if (i % 2 == 0) {
      ASSERT_TRUE(client.reply());
    }
  }
  expect_serves();
  EXPECT_THAT(served.drops(), IsEmpty());
}

// ---- bad input
// ---------------------------------------------------------------------------------------------

TEST_F(VarlinkServerTest, garbage_is_answered_and_the_connection_closed) {
  Served served(path);
  for (const std::string_view garbage :
       {std::string_view("GET / HTTP/1.1\r\n\r\n\0", 19), std::string_view("\0", 1),
        std::string_view("\xff\xfe\0", 3), std::string_view("{}\0", 3), std::string_view("[[[[\0", 5),
        std::string_view("\"\\ud800\"\0", 9)}) {
    VarlinkTestClient client(path);
    ASSERT_TRUE(client.send(garbage));
    const auto reply = client.reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, kBadRequest);
    EXPECT_THAT(reply->parameters["message"], HasSubstr("not a varlink call"));
    EXPECT_THAT(reply->parameters["remedy"], HasSubstr("JSON object"));
    client.end_of_input();
    EXPECT_TRUE(client.closed_within(60s));
    expect_serves();
  }
}

TEST_F(VarlinkServerTest, random_bytes_never_hurt) {
  VarlinkLimits limits = patient_limits();
  limits.request = 200ms;
  Served served(path, limits);
  std::mt19937 random(1);
  const std::string valid =
      write_call({"org.xdpfwd.Control.AddGuest", {{"name", "x"}, {"vlans", {1}}}}) + '\0';
  for (int i = 0; i < 500; ++i) {
    VarlinkTestClient client(path);
    std::string bytes = valid;
    if (i % 2 == 0)
      for (char& byte : bytes) byte = static_cast<char>(random());
    else
      bytes[random() % bytes.size()] = static_cast<char>(random());
    client.send(bytes);
    if (i % 10 == 0) client.reply(20ms);
  }
  expect_serves();
  EXPECT_EQ(served.control.guest_list.size(), 3U);
}

TEST_F(VarlinkServerTest, an_oversized_request_is_answered_and_the_connection_closed) {
  Served served(path);
  const size_t limit = VarlinkLimits{}.request_bytes;
  const std::string head = R"({"method":"org.xdpfwd.Control.GetStatus","parameters":{"x":")";
  for (const size_t size : {limit + 1, 4 * limit}) {
    for (const bool ended : {false, true}) {
      VarlinkTestClient client(path);
      std::string request = head + std::string(size - head.size(), 'x');
      if (ended) request += '\0';
      EXPECT_TRUE(client.send(request)) << "the rest is read and thrown away, so that the answer is seen";
      const auto reply = client.reply();
      ASSERT_TRUE(reply);
      EXPECT_EQ(reply->error, kBadRequest);
      EXPECT_THAT(reply->parameters["message"], HasSubstr("longer than 1048576 bytes"));
      client.end_of_input();
      EXPECT_TRUE(client.closed_within(60s));
    }
  }
  // The largest that is allowed is looked at.
  VarlinkTestClient client(path);
  std::string request = head;
  request += std::string(limit - head.size() - 3, 'x') + "\"}}";
  ASSERT_EQ(request.size(), limit);
  client.send(request + '\0');
  const auto reply = client.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, kInvalidArgument);
  expect_serves();
}

TEST_F(VarlinkServerTest, who_goes_on_sending_after_a_refusal_is_cut_off) {
  VarlinkLimits limits = patient_limits();
  limits.request = 200ms;
  Served served(path, limits);
  VarlinkTestClient client(path);
  client.send(std::string_view("nonsense\0", 9));
  const auto start = std::chrono::steady_clock::now();
  while (client.send(std::string(4096, 'x')) && std::chrono::steady_clock::now() - start < 120s) {
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 60s);
  EXPECT_TRUE(served.dropped("went on sending"));
  expect_serves();
}

TEST_F(VarlinkServerTest, half_a_request_is_waited_for_only_so_long) {
  VarlinkLimits limits = patient_limits();
  limits.request = 300ms;
  Served served(path, limits);
  VarlinkTestClient client(path);
  // A byte now and then does not help: the time counts from the first.
  const auto start = std::chrono::steady_clock::now();
  while (client.send("{") && std::chrono::steady_clock::now() - start < 120s)
    std::this_thread::sleep_for(20ms);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 60s);
  EXPECT_TRUE(served.dropped("did not finish its request in time"));
  VarlinkTestClient gone(path);
  gone.send("{\"method\"");
  gone.close();
  EXPECT_TRUE(served.dropped("went away within a request"));
  expect_serves();
}

TEST_F(VarlinkServerTest, a_client_that_does_not_read_is_dropped) {
  VarlinkLimits limits = patient_limits();
  limits.reply = 300ms;
  Served served(path, limits);
  served.control.made_up_rows = 200'000;
  VarlinkTestClient client(path);
  client.call({"org.xdpfwd.Control.ListFdb", Json::object(), true});
  for (int i = 0; i < 20; ++i) expect_serves();
  EXPECT_TRUE(served.dropped("did not read its reply in time"));
  expect_serves();
}

TEST_F(VarlinkServerTest, an_idle_client_is_dropped) {
  VarlinkLimits limits = patient_limits();
  limits.idle = 200ms;
  Served served(path, limits);
  VarlinkTestClient client(path);
  EXPECT_TRUE(client.closed_within(60s));
  EXPECT_TRUE(served.dropped("idle for too long"));
}

TEST_F(VarlinkServerTest, a_hundred_clients_are_served) {
  Served served(path);
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 100; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        VarlinkTestClient client(path);
        for (int call = 0; call < 4; ++call) {
          const auto reply = client.ask(status_call());
          // When all places are busy a client is told so, and comes again.
          if (reply && reply->error == kTooManyClients) {
            client = VarlinkTestClient(path);
            --call;
            continue;
          }
          // An idle connection may have been closed to make room; then, too, a client comes again.
          if (!reply) {
            client = VarlinkTestClient(path);
            --call;
            continue;
          }
          if (reply->error.empty()) ++good;
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 100 * 5 * 4);
  expect_serves();
}

TEST_F(VarlinkServerTest, idle_clients_make_room_for_others) {
  VarlinkLimits limits = patient_limits();
  limits.clients = 8;
  limits.for_root = 0;
  Served served(path, limits);
  std::vector<std::unique_ptr<VarlinkTestClient>> idle;
  for (int i = 0; i < 50; ++i) {
    idle.push_back(std::make_unique<VarlinkTestClient>(path));
    ASSERT_TRUE(idle.back()->ask(status_call())) << i;
  }
  EXPECT_TRUE(idle.front()->closed_within(60s)) << "the longest idle one goes first";
  ASSERT_TRUE(idle.back()->ask(status_call()));
}

TEST_F(VarlinkServerTest, when_all_places_are_busy_a_client_is_told_so) {
  VarlinkLimits limits = patient_limits();
  limits.clients = 8;
  limits.for_root = 0;
  Served served(path, limits);
  std::vector<std::unique_ptr<VarlinkTestClient>> busy;
  for (int i = 0; i < 8; ++i) {
    busy.push_back(std::make_unique<VarlinkTestClient>(path));
    // With the reply, the server has read the beginning of the next request too.
    busy.back()->send(write_call(status_call()) + '\0' + "{");
    ASSERT_TRUE(busy.back()->reply());
  }
  VarlinkTestClient late(path);
  const auto reply = late.ask(status_call());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, kTooManyClients);
  EXPECT_THAT(reply->parameters["message"], HasSubstr("there are 8 clients already"));
  EXPECT_THAT(reply->parameters["remedy"], HasSubstr("again"));
  // Many more do not take more than their share either.
  std::vector<std::unique_ptr<VarlinkTestClient>> crowd;
  for (int i = 0; i < 100; ++i) crowd.push_back(std::make_unique<VarlinkTestClient>(path));
  crowd.clear();
  late.close();
  busy.clear();
  // It hears that they went when it next looks; until then there are as many.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const auto is_full = [&] {
    const auto again = VarlinkTestClient(path).ask(status_call());
    return again && again->error == kTooManyClients;
  };
  while (is_full() && std::chrono::steady_clock::now() < until) {
  }
  expect_serves();
}

TEST_F(VarlinkServerTest, without_descriptors_it_waits_instead_of_spinning) {
  Served served(path);
  VarlinkTestClient before(path);
  ASSERT_TRUE(before.ask(status_call()));
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit few{.rlim_cur = std::min<rlim_t>(limit.rlim_cur, 256), .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<UniqueFd> all;
  const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (;;) {
    UniqueFd fd(::dup(0));
    if (!fd) break;
    all.push_back(std::move(fd));
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  timespec cpu_before{}, cpu_after{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_before);
  std::this_thread::sleep_for(300ms);
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_after);
  const auto spent_ms =
      (cpu_after.tv_sec - cpu_before.tv_sec) * 1000 + (cpu_after.tv_nsec - cpu_before.tv_nsec) / 1'000'000;
  EXPECT_LT(spent_ms, 100);
  EXPECT_TRUE(before.ask(status_call())) << "who is in is still served";
  all.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  expect_serves();
}

// ---- the reference client
// -------------------------------------------------------------------------------------

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  while (const size_t got = ::fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  return text + fmt::format("exit {}\n", WEXITSTATUS(status));
}

TEST_F(VarlinkServerTest, varlinkctl_understands_it) {
  if (!output_of("varlinkctl --version").ends_with("exit 0\n"))
    GTEST_SKIP() << "varlinkctl (systemd 255 or later) is not in PATH";
  Served served(path);
  const std::string at = " unix:" + path;
  EXPECT_THAT(output_of("varlinkctl info" + at), HasSubstr("org.xdpfwd.Control"));
  EXPECT_THAT(output_of("varlinkctl list-interfaces" + at), HasSubstr("org.xdpfwd.Control\n"));
  // It parses the text and prints it from what it understood, complaining about what it does not.
  const std::string interface = output_of("varlinkctl introspect" + at + " org.xdpfwd.Control");
  EXPECT_THAT(interface, HasSubstr("method LookupFdb("));
  EXPECT_THAT(interface, HasSubstr("exit 0"));
  EXPECT_THAT(output_of("varlinkctl introspect" + at + " org.varlink.service"), HasSubstr("exit 0"));
  const std::string status = output_of("varlinkctl call -j" + at + " org.xdpfwd.Control.GetStatus '{}'");
  EXPECT_THAT(status, HasSubstr("\"rows_wanted\":5"));
  EXPECT_THAT(output_of("varlinkctl call --more -j" + at + " org.xdpfwd.Control.ListFdb '{}'"),
              HasSubstr("tap2"));
  EXPECT_THAT(output_of("varlinkctl call" + at + " org.xdpfwd.Control.DeleteGuest '{\"name\":\"none\"}'"),
              testing::AllOf(HasSubstr("org.xdpfwd.Control.NotFound"), testing::Not(HasSubstr("exit 0"))));
  EXPECT_THAT(output_of("varlinkctl call --oneway" + at + " org.xdpfwd.Control.Reload '{}'"),
              HasSubstr("exit 0"));
  expect_serves();
  EXPECT_EQ(served.control.reloads, 1U);
}

// ---- who may do what
// ---------------------------------------------------------------------------------------

// Runs in a thread whose credentials alone are changed: libc would change those of all threads.
template <typename Function>
void as_user(uid_t uid, gid_t gid, std::vector<gid_t> groups, const Function& function) {
  std::thread([&] {
    ASSERT_EQ(::syscall(SYS_setgroups, groups.size(), groups.data()), 0);
    ASSERT_EQ(::syscall(SYS_setresgid, gid, gid, gid), 0);
    ASSERT_EQ(::syscall(SYS_setresuid, uid, uid, uid), 0);
    function();
  }).join();
}

TEST_F(VarlinkServerTest, rights_come_from_the_peers_credentials) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: it connects as other users";
  const struct group* group = ::getgrnam("daemon");
  ASSERT_NE(group, nullptr);
  const gid_t gid = group->gr_gid;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  Served served(path, patient_limits(), "daemon");
  ASSERT_FALSE(served.error);
  const Call write{"org.xdpfwd.Control.Reload"};
  const auto error_of_write = [&]() -> std::string {
    VarlinkTestClient client(path);
    if (!client.connected()) return "not connected";
    const auto read = client.ask(status_call());
    if (!read || !read->error.empty()) return "cannot read";
    const auto reply = client.ask(write);
    return reply ? reply->error : "no reply";
  };
  EXPECT_EQ(error_of_write(), "") << "root";
  as_user(65534, gid, {}, [&] { EXPECT_EQ(error_of_write(), "") << "the group as primary group"; });
  as_user(65534, 65534, {4, gid}, [&] { EXPECT_EQ(error_of_write(), "") << "the group among others"; });
  std::vector<gid_t> many(200);
  for (size_t i = 0; i < many.size(); ++i) many[i] = static_cast<gid_t>(70'000 + i);
  many.back() = gid;
  as_user(65534, 65534, many, [&] { EXPECT_EQ(error_of_write(), "") << "among very many others"; });
  as_user(65534, 65534, {4}, [&] { EXPECT_EQ(error_of_write(), "not connected") << "mode 0660"; });
  // An operator may let everybody read.
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  as_user(65534, 65534, {4}, [&] { EXPECT_EQ(error_of_write(), kNotPermitted); });
}

// Requests that are begun and never ended take places, until their time is over.
TEST_F(VarlinkServerTest, half_requests_of_one_user_leave_places_to_others_and_of_all_users_to_root) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: it connects as other users";
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  VarlinkLimits limits = patient_limits();
  limits.clients = 8;
  limits.for_root = 2;
  limits.of_one_user = 4;
  Served served(path, limits);
  ASSERT_FALSE(served.error);
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  std::vector<std::unique_ptr<VarlinkTestClient>> busy;
  // How many of `attempts` get a place and keep it busy; the others are told why not.
  const auto take_places = [&](int attempts) {
    int taken = 0;
    for (int i = 0; i < attempts; ++i) {
      auto client = std::make_unique<VarlinkTestClient>(path);
      // With the reply, the server has read the beginning of the next request too.
      client->send(write_call(status_call()) + '\0' + "{");
      const auto reply = client->reply();
      if (reply && reply->error.empty())
        ++taken;
      else
        EXPECT_EQ(reply ? reply->error : kTooManyClients, kTooManyClients);  // or closed at once
      busy.push_back(std::move(client));
    }
    return taken;
  };
  as_user(65534, 65534, {}, [&] { EXPECT_EQ(take_places(20), 4) << "one user"; });
  as_user(65533, 65533, {}, [&] { EXPECT_EQ(take_places(20), 2) << "another: all but root's"; });
  expect_serves();
  EXPECT_EQ(take_places(1), 1) << "root";
  EXPECT_EQ(take_places(2), 1) << "root: the last place";
}

}  // namespace
}  // namespace xdpfwd

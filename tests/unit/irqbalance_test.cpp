// SPDX-License-Identifier: BSD-2-Clause
// irqbalance's socket, held against a server that does as irqbalance 1.9.2 was seen to do: one command a
// connection, of 500 bytes at most.
#include "kernel/irqbalance.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/unique_fd.h"
#include "support/scratch_directory.h"

namespace xdpfwd {
namespace {

using Numbers = std::vector<uint32_t>;

class FakeIrqbalance {
 public:
  // `uid`: who listens, where that is not us.
  explicit FakeIrqbalance(const std::string& path, uid_t uid = ::geteuid()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    EXPECT_EQ(::setsockopt(listener_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    // Of this thread alone, unlike seteuid().
    const uid_t us = ::geteuid();
    EXPECT_EQ(::syscall(SYS_setresuid, -1, uid, -1), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    EXPECT_EQ(::syscall(SYS_setresuid, -1, us, -1), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeIrqbalance() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::vector<std::string> commands;  // look only when nothing is being asked
  Numbers banned = {7};
  std::atomic<bool> dribbles = false;  // an answer that takes ten seconds, a byte at a time

 private:
  void serve() {
    for (;;) {
      const UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer) return;
      char text[500];
      char control[CMSG_SPACE(sizeof(ucred))];
      iovec data{.iov_base = text, .iov_len = sizeof(text)};
      msghdr message{};
      message.msg_iov = &data;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      const ssize_t got = ::recvmsg(peer.get(), &message, 0);
      const cmsghdr* header = CMSG_FIRSTHDR(&message);
      if (got <= 0 || !header || header->cmsg_type != SCM_CREDENTIALS) continue;
      obey(std::string(text, static_cast<size_t>(got)), peer.get());
    }
  }
  void obey(const std::string& command, int peer) {
    commands.push_back(command);
    if (command == "setup") {
      std::string answer = "SLEEP 10 ";
      for (const uint32_t irq : banned) answer += fmt::format("IRQ {} LOAD 0 DIFF 0 CLASS 0 ", irq);
      answer += "BANNED 00000000";
      for (int i = 0; dribbles && i < 100; ++i) {
        pollfd gone{.fd = peer, .events = POLLRDHUP, .revents = 0};
        if (::poll(&gone, 1, 100) != 0 || ::send(peer, " ", 1, MSG_NOSIGNAL) != 1) return;
      }
      EXPECT_EQ(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(answer.size()));
    }
    const std::string head = "settings ban irqs ";
    if (!command.starts_with(head)) return;
    banned.clear();
    if (command == head + "NONE") return;
    for (size_t at = head.size(); at < command.size();
         at = command.find(' ', at) == std::string::npos ? command.size() : command.find(' ', at) + 1)
      banned.push_back(static_cast<uint32_t>(std::stoul(command.substr(at))));
  }
  UniqueFd listener_;
  std::thread thread_;
};

class IrqbalanceSocket : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(tree_ / "run/irqbalance"); }
  [[nodiscard]] HostRoots roots() const { return {.proc = tree_ / "proc", .run = tree_ / "run"}; }
  ScratchDirectory tree_;
};

TEST_F(IrqbalanceSocket, BansAreAddedAndTakenAwayAndOthersKept) {
  FakeIrqbalance server(tree_ / "run/irqbalance/irqbalance123.sock");
  Irqbalance irqbalance(roots());
  EXPECT_EQ(irqbalance.banned(), Numbers{7});
  ASSERT_TRUE(irqbalance.set_banned(9, true));
  ASSERT_TRUE(irqbalance.set_banned(8, true));
  EXPECT_EQ(server.banned, (Numbers{7, 8, 9}));
  server.commands.clear();
  ASSERT_TRUE(irqbalance.set_banned(9, true));
  EXPECT_EQ(server.commands, std::vector<std::string>{"setup"}) << "what holds already is not written";
  ASSERT_TRUE(irqbalance.set_banned(8, false));
  ASSERT_TRUE(irqbalance.set_banned(7, false));
  ASSERT_TRUE(irqbalance.set_banned(9, false));
  EXPECT_EQ(server.commands.back(), "settings ban irqs NONE");
  EXPECT_EQ(irqbalance.banned(), Numbers{});
}

TEST_F(IrqbalanceSocket, AListThatItWouldCutOffIsNotSent) {
  FakeIrqbalance server(tree_ / "run/irqbalance/irqbalance123.sock");
  server.banned.clear();
  for (uint32_t irq = 1000; irq < 1097; ++irq) server.banned.push_back(irq);
  const Numbers before = server.banned;
  Irqbalance irqbalance(roots());
  const auto refused = irqbalance.set_banned(9, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, E2BIG);
  EXPECT_NE(refused.error().remedy.find("--banmod"), std::string::npos);
  EXPECT_EQ(server.banned, before);
}

TEST_F(IrqbalanceSocket, AnotherOneIsFoundWhenItWasRestarted) {
  Irqbalance irqbalance(roots());
  EXPECT_EQ(irqbalance.banned().error().code, ENOENT);
  const std::string first = tree_ / "run/irqbalance/irqbalance1.sock";
  {
    const FakeIrqbalance server(first);
    EXPECT_EQ(irqbalance.banned(), Numbers{7});
  }
  EXPECT_EQ(irqbalance.banned().error().code, ENOENT) << "its file is still there";
  const FakeIrqbalance server(tree_ / "run/irqbalance/irqbalance2.sock");
  EXPECT_EQ(irqbalance.banned(), Numbers{7});
}

TEST_F(IrqbalanceSocket, OneOfAnotherUserIsNotAsked) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  FakeIrqbalance server(tree_ / "run/irqbalance/irqbalance1.sock", 65534);
  Irqbalance irqbalance(roots());
  const auto banned = irqbalance.banned();
  ASSERT_FALSE(banned);
  EXPECT_EQ(banned.error().code, ENOENT);
  EXPECT_TRUE(server.commands.empty());
}

TEST_F(IrqbalanceSocket, OneThatNeverComesToAnEndIsNotWaitedFor) {
  FakeIrqbalance server(tree_ / "run/irqbalance/irqbalance1.sock");
  Irqbalance irqbalance(roots());
  server.dribbles = true;
  EXPECT_FALSE(irqbalance.banned());
  server.dribbles = false;
  EXPECT_EQ(irqbalance.banned(), Numbers{7}) << "it is asked again when it is asked for";
  server.dribbles = true;
  const auto banned = irqbalance.banned();
  ASSERT_FALSE(banned);
  EXPECT_EQ(banned.error().code, EAGAIN);
}

TEST(Irqbalance, ItsAnswer) {
  EXPECT_EQ(parse_banned("SLEEP 10 BANNED 00000000"), Numbers{});
  EXPECT_EQ(parse_banned("SLEEP 10 IRQ 9 LOAD 0 DIFF 0 CLASS 0 IRQ 7 LOAD 0 DIFF 0 CLASS 0 BANNED 00000000"),
            (Numbers{7, 9}));
  EXPECT_EQ(parse_banned("IRQ IRQ x IRQ 99999999999 IRQ "), Numbers{});
}

TEST(Irqbalance, TheLongestCommand) {
  Numbers many(120);
  std::ranges::generate(many, [n = 100U]() mutable { return n++; });
  const auto command = ban_command(many);
  ASSERT_TRUE(command);
  EXPECT_EQ(command->size(), 497U);
  many.push_back(220);
  EXPECT_FALSE(ban_command(many));
}

TEST(Irqbalance, AbstractSockets) {
  EXPECT_EQ(
      find_abstract_sockets(
          "Num       RefCount Protocol Flags    Type St Inode Path\n"
          "00000000b0ddac1c: 00000002 00000000 00010000 0001 01 1171742 /run/irqbalance/irqbalance2.sock\n"
          "00000000b0ddac1d: 00000002 00000000 00010000 0001 01 1171743 @irqbalance23771.sock\n"
          "00000000b0ddac1d: 00000002 00000000 00010000 0001 01 1171743 @/tmp/.X11-unix/X0\n"
          "00000000b0ddac1d: 00000002 00000000 00010000 0001 01 1171743 /tmp/a @irqbalance.sock.not\n"
          "00000000b0ddac1d: 00000002 00000000 00010000 0001 01 1171743\n"),
      std::vector<std::string>{"@irqbalance23771.sock"});
}

}  // namespace
}  // namespace xdpfwd

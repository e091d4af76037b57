// SPDX-License-Identifier: BSD-2-Clause
// How deploy/quickstart.sh ends: kept without a terminal until it is told, and interrupted without a verdict.
// What it proves about the frames is its own to say.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/unique_fd.h"
#include "support/sandbox.h"

extern char** environ;

namespace xdpfwd::test {
namespace {

// The script as a child without a terminal, and what it says.
class QuickstartTest : public testing::Test {
 protected:
  void SetUp() override { XDPFWD_NEEDS_ROOT(); }
  void TearDown() override {
    if (said_) std::fclose(said_);
    if (pid_ > 0) {
      kill(pid_, SIGTERM);
      waitpid(pid_, nullptr, 0);
    }
  }

  void start(const std::string& arguments) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    said_ = fdopen(ends[0], "re");
    const UniqueFd write_end(ends[1]);
    const std::string command = fmt::format("BUILD={} exec {}/deploy/quickstart.sh --no-build {} 2>&1",
                                            XDPFWD_BINARY_DIR, XDPFWD_SOURCE_DIR, arguments);
    const char* words[] = {"sh", "-c", command.c_str(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
    // A shell cannot trap what was ignored before it began, as SIGINT is of what runs in the background.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    posix_spawnattr_setsigdefault(&attributes, &interrupt);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    ASSERT_EQ(posix_spawn(&pid_, "/bin/sh", &actions, &attributes, const_cast<char**>(words), environ), 0);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  // Reads on until a line holds the text; what was read.
  std::string read_until(const std::string& text) {
    std::string all;
    char* line = nullptr;
    size_t size = 0;
    while (getline(&line, &size, said_) > 0) {
      all += line;
      if (!text.empty() && std::string_view(line).find(text) != std::string_view::npos) break;
    }
    std::free(line);
    return all;
  }
  int wait_for_end() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  pid_t pid_ = -1;
  FILE* said_ = nullptr;
};

TEST_F(QuickstartTest, KeepsWithoutATerminalUntilItIsTold) {
  start("--keep --frames 2000");
  const std::string said = read_until("ends it.");
  ASSERT_NE(said.find(fmt::format("kill {} ends it.", pid_)), std::string::npos) << said;
  EXPECT_EQ(waitpid(pid_, nullptr, WNOHANG), 0) << "it does not keep";
  std::string status;
  const std::string socket = fmt::format("/run/xdpfwd-quickstart-{}/control.sock", pid_);
  EXPECT_EQ(
      run_status(fmt::format("{}/xdpctl --socket {} status --check", XDPFWD_BINARY_DIR, socket), &status), 0)
      << status;
  kill(pid_, SIGTERM);
  const std::string rest = read_until("");
  EXPECT_NE(rest.find("every frame was where it belongs"), std::string::npos) << rest;
  EXPECT_EQ(wait_for_end(), 0) << rest;
  EXPECT_NE(access(socket.c_str(), F_OK), 0) << "it cleans up";
}

TEST_F(QuickstartTest, InterruptedItSaysSoAndNothingAboutTheFrames) {
  start("--frames 100000000");
  const std::string said = read_until("every frame is checked");
  kill(pid_, SIGINT);
  const std::string rest = read_until("");
  EXPECT_NE(rest.find("interrupted"), std::string::npos) << said << rest;
  EXPECT_EQ(rest.find("FAILED"), std::string::npos) << rest;
  EXPECT_EQ(rest.find("every frame was where it belongs"), std::string::npos) << rest;
  EXPECT_EQ(wait_for_end(), 130) << rest;
}

}  // namespace
}  // namespace xdpfwd::test

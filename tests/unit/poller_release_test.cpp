// SPDX-License-Identifier: BSD-2-Clause
// `xdpfwd-poller --release` reads a file that a process of fewer privileges wrote: with few itself.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "support/scratch_directory.h"

extern char** environ;

namespace xdpfwd::test {
namespace {

using namespace std::chrono_literals;

uint64_t capabilities_of(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;)
    if (word == "CapPrm:" && status >> word) return std::stoull(word, nullptr, 16);
  return 0;
}

TEST(PollerRelease, keeps_what_putting_back_needs_before_it_reads_what_that_is) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const ScratchDirectory folder;
  const std::string changes = folder / "changes";
  ASSERT_EQ(::mkfifo(changes.c_str(), 0600), 0);  // it is not read before we write it
  const char* program = XDPFWD_BINARY_DIR "/xdpfwd-poller";
  const std::string path = folder.path();
  const char* arguments[] = {program, "--release", "--name", "test", "--runtime-dir", path.c_str(), nullptr};
  pid_t releases = 0;
  ASSERT_EQ(::posix_spawn(&releases, program, nullptr, nullptr, const_cast<char**>(arguments), environ), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(releases, &status, WNOHANG), 0);
  constexpr uint64_t kMost =
      uint64_t{1} << CAP_NET_ADMIN | uint64_t{1} << CAP_DAC_OVERRIDE | uint64_t{1} << CAP_CHOWN;
  for (const auto until = std::chrono::steady_clock::now() + 20s;
       (capabilities_of(releases) & ~kMost) != 0 && std::chrono::steady_clock::now() < until;)
    std::this_thread::sleep_for(1ms);
  EXPECT_EQ(capabilities_of(releases) & ~kMost, 0U);
  EXPECT_EQ(capabilities_of(releases) & uint64_t{1} << CAP_NET_ADMIN, uint64_t{1} << CAP_NET_ADMIN);
  std::ofstream(changes).flush();  // nothing
  ASSERT_EQ(::waitpid(releases, &status, 0), releases);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace xdpfwd::test

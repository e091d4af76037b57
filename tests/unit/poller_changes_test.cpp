// SPDX-License-Identifier: BSD-2-Clause
// What xdpfwd-poller has noted of its changes: nothing of it is lost because it cannot be read, or put back
// now. What is put back of a NIC is the concern of tests/e2e/poller_test.cpp.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "poller/changes.h"
#include "poller/thread_handle.h"
#include "support/scratch_directory.h"

namespace xdpfwd::poller {
namespace {

// Of the loopback device, which is in each network namespace and has no NAPI instance, as if it were down.
constexpr const char* kOfOneDown = "1 4711 6 0 200000\n";

class PollerChangesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = NapiLookup::open();
    if (!opened && opened.error().code == EOPNOTSUPP) GTEST_SKIP() << opened.error().text();
    ASSERT_TRUE(opened) << opened.error().text();
    lookup_.emplace(std::move(*opened));
  }
  void note(const std::string& text) { std::ofstream(path_) << text; }
  static std::string text_of(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  ScratchDirectory folder_;
  const std::string path_ = folder_ / "changes";
  std::optional<NapiLookup> lookup_;
};

TEST_F(PollerChangesTest, what_cannot_be_read_is_not_taken_for_nothing) {
  EXPECT_TRUE(Changes::open(folder_.path()).value().empty());
  note("1 4711 six 0 200000\n");
  EXPECT_FALSE(Changes::open(folder_.path()));
  std::filesystem::remove(path_);
  std::filesystem::create_symlink("changes", path_);
  EXPECT_FALSE(Changes::open(folder_.path()));
}

// Whoever releases may set any value of any NIC, and the poller that wrote the file may not.
TEST_F(PollerChangesTest, what_no_poller_sets_is_not_put_back) {
  for (const char* its : {"1 4711 5 0 2\n", "1 4711 6 30000 200000\n", "1 4711 8 1 2\n"}) {
    note(its);
    EXPECT_TRUE(Changes::open(folder_.path())) << its;
  }
  for (const char* others : {"1 4711 5 0 3\n", "1 4711 6 0 0\n", "1 4711 8 0 1\n", "1 4711 8 2 2\n",
                             "1 4711 8 2 0\n", "1 4711 7 0 2\n", "1 4711 6 0 200000\n1 4712 6 200000 0\n"}) {
    note(others);
    EXPECT_FALSE(Changes::open(folder_.path())) << others;
  }
}

TEST_F(PollerChangesTest, a_thread_of_an_instance_that_its_queue_has_no_more_is_put_back) {
  constexpr uint32_t kGone = 2147483647;
  note("2147483647 4711 8 0 2\n");
  auto changes = Changes::open(folder_.path());
  ASSERT_TRUE(changes) << changes.error().text();
  ThreadHandle handle(*lookup_, *changes, 0);
  EXPECT_FALSE(handle.aim({.ifindex = kGone, .queue = 0, .napi = 4711}));
  EXPECT_FALSE(changes->empty());
  EXPECT_FALSE(handle.aim({.ifindex = kGone, .queue = 0, .napi = 4711}));
  EXPECT_FALSE(changes->empty()) << "it is still its";
  EXPECT_FALSE(handle.aim({.ifindex = kGone, .queue = 0, .napi = 4712}));
  EXPECT_TRUE(changes->empty());
}

TEST_F(PollerChangesTest, no_link_is_followed) {
  const std::string elsewhere = folder_ / "elsewhere";
  std::ofstream(elsewhere) << kOfOneDown;
  std::filesystem::create_symlink(elsewhere, path_);
  EXPECT_FALSE(Changes::open(folder_.path())) << "to read";
  std::filesystem::remove(path_);
  note(kOfOneDown);
  std::ofstream(elsewhere) << "somebody else's\n";
  std::filesystem::create_symlink(elsewhere, path_ + ".new");
  auto changes = Changes::open(folder_.path());
  ASSERT_TRUE(changes) << changes.error().text();
  (void)changes->undo_all(*lookup_);
  EXPECT_EQ(text_of(elsewhere), "somebody else's\n") << "to write";
}

TEST_F(PollerChangesTest, of_a_nic_that_is_down_they_stay_noted_and_of_one_that_is_gone_not) {
  note(std::string("2147483647 4711 6 0 200000\n") + kOfOneDown);
  auto changes = Changes::open(folder_.path());
  ASSERT_TRUE(changes) << changes.error().text();
  const auto undone = changes->undo_all(*lookup_);
  EXPECT_TRUE(undone) << undone.error().text();
  EXPECT_FALSE(changes->empty());
  EXPECT_EQ(text_of(path_), kOfOneDown);
}

TEST_F(PollerChangesTest, what_root_could_not_put_back_is_still_the_pollers_own) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  note(kOfOneDown);
  ASSERT_EQ(::chown(path_.c_str(), 61234, 61234), 0);
  auto changes = Changes::open(folder_.path());
  ASSERT_TRUE(changes) << changes.error().text();
  EXPECT_TRUE(changes->undo_all(*lookup_));
  struct stat now{};
  ASSERT_EQ(::stat(path_.c_str(), &now), 0);
  EXPECT_EQ(now.st_uid, 61234U);
  EXPECT_EQ(now.st_gid, 61234U);
  EXPECT_EQ(now.st_mode & 07777, 0600U);
}

TEST_F(PollerChangesTest, an_instance_is_forgotten_with_its_nic_or_when_its_queue_has_another) {
  const auto noted = [&](uint32_t ifindex, uint32_t napi) {
    auto changes = Changes::open(folder_.path());
    EXPECT_TRUE(changes) << changes.error().text();
    changes->forget(ifindex, napi);
    return !changes->empty();
  };
  note(kOfOneDown);
  EXPECT_FALSE(noted(1, 4711));
  EXPECT_TRUE(noted(1, 4712)) << "another queue's: the kernel may keep it";
  EXPECT_TRUE(noted(2, 4711)) << "its NIC has another name now";
  note("2147483647 4711 6 0 200000\n");
  EXPECT_FALSE(noted(1, 1)) << "its NIC is gone";
}

}  // namespace
}  // namespace xdpfwd::poller

// SPDX-License-Identifier: BSD-2-Clause
// Who has a thread's number by now is not changed in its place, or at least told.
#include "kernel/change_thread.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace xdpfwd {
namespace {

class ChangeThreadTest : public testing::Test {
 protected:
  ChangeThreadTest() : child_(::fork()) {
    if (child_ == 0)
      for (;;) ::pause();
  }
  ~ChangeThreadTest() override { end(); }
  void end() {
    if (child_ == 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }
  Result<void> change(pid_t thread, const std::function<Result<pid_t>()>& ask) {
    return change_thread(thread, ask, [&](pid_t changed) -> Result<void> {
      changed_ = changed;
      if (ends_meanwhile_) end();
      return result_;
    });
  }
  pid_t child_;
  pid_t changed_ = 0;
  bool ends_meanwhile_ = false;
  Result<void> result_;
};

TEST_F(ChangeThreadTest, the_one_that_is_still_told_is_changed) {
  const auto changed = change(child_, [&] { return child_; });
  EXPECT_TRUE(changed) << changed.error().text();
  EXPECT_EQ(changed_, child_);
  result_ = fail("refused", {}, EPERM);
  const auto refused = change(child_, [&] { return child_; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EPERM);
}

TEST_F(ChangeThreadTest, a_number_that_is_somebody_elses_is_left_alone) {
  for (const pid_t now : {child_ + 1, pid_t{0}}) {
    const auto changed = change(child_, [&] { return now; });
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code, ESRCH);
  }
  EXPECT_FALSE(change(child_, []() -> Result<pid_t> { return fail("gone"); }));
  EXPECT_EQ(changed_, 0);
}

TEST_F(ChangeThreadTest, one_that_ends_before_is_not_changed) {
  const pid_t gone = child_;
  const auto during = change(gone, [&] {
    end();
    return gone;
  });
  ASSERT_FALSE(during);
  EXPECT_EQ(during.error().code, ESRCH);
  const auto after = change(gone, [&] { return gone; });
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, ESRCH);
  EXPECT_EQ(changed_, 0);
}

TEST_F(ChangeThreadTest, one_that_ends_meanwhile_is_told) {
  ends_meanwhile_ = true;
  const pid_t thread = child_;
  const auto changed = change(thread, [&] { return thread; });
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ESRCH);
  EXPECT_EQ(changed_, thread);
}

}  // namespace
}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// A kernel that refuses bpf(): what the operator reads, and that a refused batch counts as nothing done.
#include "kernel/bpf_failure.h"

#include <gtest/gtest.h>

#include "kernel/maps.h"

namespace xdpfwd::test {
namespace {

constexpr int kNotSupported = 524;  // the kernel's ENOTSUPP

TEST(BpfFailure, SaysWhatTheKernelLacks) {
  EXPECT_NE(bpf_remedy(ENOSYS).find("CONFIG_BPF_SYSCALL"), std::string::npos);
  EXPECT_NE(bpf_remedy(ESRCH).find("CONFIG_DEBUG_INFO_BTF"), std::string::npos);
  for (const int error : {ENOSYS, ESRCH, EINVAL, EOPNOTSUPP, kNotSupported})
    EXPECT_NE(bpf_remedy(error).find("Linux 6.1 or later"), std::string::npos) << error;
  EXPECT_NE(bpf_remedy(EPERM).find("CAP_BPF"), std::string::npos);
  EXPECT_EQ(bpf_remedy(ENOMEM), "");
}

TEST(BpfFailure, NoNumberInPlaceOfAMeaning) {
  EXPECT_EQ(bpf_meaning(kNotSupported), "this kernel does not support it");
  EXPECT_EQ(bpf_meaning(ESRCH), "the kernel does not describe its types (BTF)");
  EXPECT_EQ(bpf_meaning(ENOENT), std::strerror(ENOENT));
}

// With no map, the kernel refuses the whole call before it looks at a row.
TEST(BpfFailure, ARefusedBatchDidNothing) {
  const Maps none;
  const std::vector<FdbRow> rows(4);
  const Outcome set = set_rows(none, rows);
  ASSERT_FALSE(set.status);
  EXPECT_EQ(set.rows_done, 0U);
  EXPECT_TRUE(set.status.error().message.starts_with("cannot set row 1 of 4: "))
      << set.status.error().message;
  const std::vector<FdbKey> keys(4);
  const Outcome deleted = delete_rows(none, keys);
  ASSERT_FALSE(deleted.status);
  EXPECT_EQ(deleted.rows_done, 0U);
  EXPECT_TRUE(deleted.status.error().message.starts_with("cannot delete row 1 of 4: "))
      << deleted.status.error().message;
}

}  // namespace
}  // namespace xdpfwd::test

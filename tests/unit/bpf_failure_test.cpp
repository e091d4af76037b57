// SPDX-License-Identifier: BSD-2-Clause
// A kernel that refuses bpf(): what the operator reads.
#include "kernel/bpf_failure.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace xdpfwd::test

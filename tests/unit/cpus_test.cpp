// SPDX-License-Identifier: BSD-2-Clause
#include "core/cpus.h"

#include <gtest/gtest.h>

namespace xdpfwd {
namespace {

using Cpus = std::vector<uint32_t>;

TEST(CpuList, IsReadAndWritten) {
  EXPECT_EQ(parse_cpu_list(""), Cpus{});
  EXPECT_EQ(parse_cpu_list("3"), Cpus{3});
  EXPECT_EQ(parse_cpu_list("0-3,8"), (Cpus{0, 1, 2, 3, 8}));
  EXPECT_EQ(parse_cpu_list("8,1,0-2"), (Cpus{0, 1, 2, 8}));
  EXPECT_EQ(cpu_list_text({}), "");
  EXPECT_EQ(cpu_list_text({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(cpu_list_text({0, 1, 3}), "0-1,3");
}

TEST(CpuList, WhatIsNone) {
  for (const char* text :
       {"a", "1-", "-1", "3-1", "1,,2", "1,", ",1", ",", "1;2", " 1", "0x1", "99999", "0-16384"})
    EXPECT_FALSE(parse_cpu_list(text)) << text;
  EXPECT_FALSE(parse_cpus("")) << "people name one at least";
}

TEST(CpuList, RangesThatOverlapForeverTakeNoMemory) {
  std::string text = "0-9999";
  for (int i = 0; i < 1000; ++i) text += ",0-9999";
  EXPECT_FALSE(parse_cpu_list(text));
}

TEST(CpuMask, IsReadAndWritten) {
  EXPECT_EQ(parse_cpu_mask("00000000"), Cpus{});
  EXPECT_EQ(parse_cpu_mask("3"), (Cpus{0, 1}));
  // As a kernel for 64 CPUs shows CPU 0 and CPU 33.
  EXPECT_EQ(parse_cpu_mask("00000002,00000001"), (Cpus{0, 33}));
  EXPECT_EQ(cpu_mask_text({}), "0");
  EXPECT_EQ(cpu_mask_text({0, 1}), "3");
  EXPECT_EQ(cpu_mask_text({0, 33}), "2,00000001");
  EXPECT_EQ(cpu_mask_text({64}), "1,00000000,00000000");
  for (uint32_t cpu = 0; cpu < 200; ++cpu)
    EXPECT_EQ(parse_cpu_mask(cpu_mask_text({0, cpu + 1})), (Cpus{0, cpu + 1}));
}

TEST(CpuMask, WhatIsNone) {
  for (const char* text : {"x", "100000000", ",1", "1,,1", "-1"}) EXPECT_FALSE(parse_cpu_mask(text)) << text;
  std::string endless = "1";
  for (int i = 0; i < 600; ++i) endless += ",00000001";
  EXPECT_FALSE(parse_cpu_mask(endless));
}

}  // namespace
}  // namespace xdpfwd

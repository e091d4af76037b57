// SPDX-License-Identifier: BSD-2-Clause
#include "support/golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace xdpfwd {

void expect_golden(const std::string& name, std::string_view text) {
  const std::filesystem::path path = std::filesystem::path(XDPFWD_TESTS_DIR) / "golden" / name;
  if (std::getenv("XDPFWD_UPDATE_GOLDEN")) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path << " is missing; XDPFWD_UPDATE_GOLDEN=1 writes it";
  const std::string golden{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(golden, text) << "differs from " << path
                          << "; if that is meant, XDPFWD_UPDATE_GOLDEN=1 rewrites it";
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// A privileged test's own world: a network and a mount namespace of this process, with a BPF filesystem of
// its own. Everything in it goes when the process ends.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace xdpfwd::test {

[[nodiscard]] bool is_root();

// Moves the process into new namespaces, once; further calls do nothing. The folder of the BPF filesystem.
const std::string& enter_sandbox();

// Runs a command line by sh; the test fails if it does not exit with 0. The command's output is in the
// failure.
void run(const std::string& command);
// The same, but says how it ended.
int run_status(const std::string& command, std::string* output = nullptr);

// Of the kernel that runs; false where its version cannot be read.
bool kernel_is_before(int major, int minor);

uint32_t ifindex_of(const std::string& name);  // 0 = missing

// A tap with this process as its reader, set up. Without `multi_queue`, closing the descriptor removes the
// tap.
struct TapOptions {
  bool multi_queue = false;
  bool persist = false;
  bool up = true;
};
UniqueFd open_tap(const std::string& name, TapOptions options = {});

// Two cabled interfaces, up.
void add_veth(const std::string& name, const std::string& peer);

// In the body of a test or SetUp(): skips without root, else enters the sandbox.
#define XDPFWD_NEEDS_ROOT()                                             \
  if (!xdpfwd::test::is_root()) GTEST_SKIP() << "this test needs root"; \
  xdpfwd::test::enter_sandbox()

}  // namespace xdpfwd::test

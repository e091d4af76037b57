// SPDX-License-Identifier: BSD-2-Clause
// The uplink program in the kernel, run by BPF_PROG_TEST_RUN. The build with the stubbed descriptor: the
// other one's second program is bound to a device, which the test run refuses.
#pragma once

#include <linux/bpf.h>

#include <memory>

#include "tests/bpf/engine.h"
#include "tests/bpf/kernel_tables.h"

struct uplink_stub_bpf;

namespace xdpfwd::test {

class KernelEngine : public Engine {
 public:
  static Result<std::unique_ptr<KernelEngine>> load();
  ~KernelEngine() override;
  KernelEngine(const KernelEngine&) = delete;
  KernelEngine& operator=(const KernelEngine&) = delete;

  Result<void> install(const World& world) override;
  Result<void> run(const Input& input, Output& output) override;
  Result<Counters> counters() override;
  [[nodiscard]] bool can_run(const Input& input) const override;

 private:
  explicit KernelEngine(uplink_stub_bpf* object) : object_(object) {}

  uplink_stub_bpf* object_;
  KernelTables tables_;
  std::vector<uint8_t> in_, out_;
  bool takes_first_buffer_ = false;  // since 6.18: the size of the first buffer can be given
  size_t max_metadata_ = 32;
};

}  // namespace xdpfwd::test

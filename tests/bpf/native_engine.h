// SPDX-License-Identifier: BSD-2-Clause
// The uplink program compiled into this process, with maps and helpers made here. Needs no privilege.
#pragma once

#include <map>
#include <memory>

#include "kernel/fdb_buckets.h"
#include "tests/bpf/engine.h"
#include "tests/bpf/native_uplink.h"

namespace xdpfwd::test {

// What the program knows of time: a test sets the clock, and sees whom it remembers.
struct NativeClock {
  uint64_t now_ns = 0;
  std::map<__u64, __u64> senders;
  bool table_is_full = false;
};

class NativeEngine : public Engine {
 public:
  NativeClock clock;

  static Result<std::unique_ptr<NativeEngine>> load();
  ~NativeEngine() override;
  NativeEngine(const NativeEngine&) = delete;
  NativeEngine& operator=(const NativeEngine&) = delete;

  Result<void> install(const World& world) override;
  Result<void> run(const Input& input, Output& output) override;
  Result<Counters> counters() override;
  [[nodiscard]] bool can_run(const Input& input) const override;

 private:
  explicit NativeEngine(uint8_t* arena) : arena_(arena) {}

  uint8_t* arena_;
  std::vector<xdpfwd_fdb_bucket> fdb_ = std::vector<xdpfwd_fdb_bucket>(FdbBuckets::elements(kTestTableRows));
  std::optional<FdbBuckets> rows_;
  std::unique_ptr<native_maps> maps_ = std::make_unique<native_maps>();
  World installed_;
};

}  // namespace xdpfwd::test

// SPDX-License-Identifier: BSD-2-Clause
// Who runs the NAPI of a rig's uplinks: softirqs after the rig's timer, or after one four times as long (on
// veth, which has no interrupts, both are what mode deferred does); a kernel thread on the receiving CPU, put
// there by this rig or by the daemon's packer, which with one queue has nothing else to decide; or
// xdpfwd-poller there. Threads, too, come after the rig's timer: the daemon's modes with threads have none,
// and set it to 0, so it is set again behind it, or auto and threaded would differ by that and not by the
// packer. A further mode is a row of kNapiModes, and what entering it takes.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/child.h"
#include "bench/contender.h"

namespace xdpfwd::bench {

enum class NapiMode { kSoftirq, kDeferred, kThreaded, kAuto, kBusyPoll };

struct NapiModeKind {
  NapiMode mode;
  const char* name;
};
inline constexpr std::array<NapiModeKind, 5> kNapiModes = {{{NapiMode::kSoftirq, "softirq"},
                                                            {NapiMode::kDeferred, "deferred 200 us"},
                                                            {NapiMode::kThreaded, "threaded"},
                                                            {NapiMode::kAuto, "auto"},
                                                            {NapiMode::kBusyPoll, "busy-poll"}}};

// A stand in one of the modes.
class InNapiMode {
 public:
  // The stand is awake, and in softirqs.
  static Result<InNapiMode> enter(Stand& stand, NapiMode mode);
  InNapiMode(InNapiMode&& other) noexcept;
  InNapiMode& operator=(InNapiMode&&) = delete;
  // Leaves the mode, and has nobody to tell what failed.
  ~InNapiMode();

  // Back to softirqs, while the stand is still awake.
  Result<void> leave();
  // The contender's own, and the poller.
  [[nodiscard]] ProcessCost processes() const;

 private:
  explicit InNapiMode(Stand& stand) : stand_(&stand) {}
  [[nodiscard]] Result<void> set(const char* file, unsigned value) const;
  [[nodiscard]] std::vector<pid_t> threads() const;  // before Linux 6.17 they outlive their mode
  [[nodiscard]] Result<void> expect_no_threads() const;
  Result<void> run_in_threads();
  Result<void> leave_to_packer(bool packed);
  Result<void> run_in_poller();

  Stand* stand_;
  std::optional<Child> poller_;
  bool packed_ = false;
};

}  // namespace xdpfwd::bench

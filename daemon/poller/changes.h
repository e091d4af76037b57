// SPDX-License-Identifier: BSD-2-Clause
// What the poller sets of NAPI instances, and what was there before. The kernel keeps it when the poller is
// gone, and a thread polls on without end; so it is noted in a file before it is done, and what a poller that
// was killed has left is put back by whoever comes next: `xdpfwd-poller --release`, which the unit runs after
// each end, or a poller of the same name.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "poller/napi_handle.h"
#include "poller/napi_lookup.h"

namespace xdpfwd::poller {

// What --set-deferral sets: long enough for a round of turns, short enough for a ring of 256 at a million
// packets a second.
inline constexpr Deferral kDeferral{.hard_irqs = 2, .flush_timeout_ns = 200'000};

class Changes {
 public:
  // In the poller's folder, which its caller has locked (counters_file.h). Begins with what is noted there;
  // what cannot be read is an error, as it may note something. So is what no poller sets: who releases may
  // do more than the poller whose file it is.
  static Result<Changes> open(const std::string& folder);
  [[nodiscard]] bool empty() const { return changes_.empty(); }
  // Code EOPNOTSUPP: this kernel has no such value of an instance.
  Result<void> set(NapiLookup& lookup, const NapiPlace& place, NapiValue which, uint64_t value);
  // What was set of an instance that `ifindex` has no more, and whose queue has another one there: its values
  // are gone with it. (An instance that the kernel keeps comes back under its number.) So is what was set of
  // a NIC that is gone. The file follows with the next change.
  void forget(uint32_t ifindex, uint32_t napi);
  // Puts back what still is as we set it; what somebody else has set since stays. What cannot be put back
  // stays noted.
  Result<void> undo(NapiLookup& lookup, uint32_t napi, NapiValue which);
  // No error if a NIC is down: what was set of it may come back with it, so that stays noted, too.
  Result<void> undo_all(NapiLookup& lookup);

 private:
  struct Change {
    uint32_t ifindex = 0;
    uint32_t napi = 0;
    NapiValue which = NapiValue::kThreaded;
    uint64_t before = 0;
    uint64_t set = 0;
  };
  explicit Changes(std::string path) : path_(std::move(path)) {}
  static bool is_a_pollers(const Change& change);
  Change* find(uint32_t napi, NapiValue which);
  Result<void> write() const;
  static Result<void> put_back(NapiLookup& lookup, const Change& change);

  std::string path_;
  std::vector<Change> changes_;
};

}  // namespace xdpfwd::poller

// SPDX-License-Identifier: BSD-2-Clause
// What a client may ask of the daemon: the meaning behind the varlink methods. The control server turns calls
// into these, the daemon answers them. Every write is all or nothing.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/effect_report.h"
#include "core/napi_report.h"
#include "core/napi_wish.h"
#include "core/report.h"

namespace xdpfwd {

// Ask again so much later.
struct NotYet {
  uint64_t after_ms = 0;
};

// Work that takes a while: asked for its report again and again, and given up when it is destroyed.
template <typename Report>
using Ongoing = std::function<Result<std::variant<NotYet, Report>>()>;

class Control {
 public:
  virtual ~Control() = default;

  // Reads.
  virtual StatusReport status() = 0;
  virtual std::vector<GuestReport> guests() = 0;
  // Rows from `first` on, in key order, at most `count`: a million rows are told in pieces.
  virtual std::vector<FdbReport> fdb(FdbKey first, size_t count) = 0;
  virtual std::vector<PortReport> ports() = 0;
  virtual Result<StatsReport> stats() = 0;
  virtual Result<PlanReport> plan() = 0;
  virtual Result<TuningReport> tune_plan() = 0;
  virtual TuningReport tune_status() = 0;
  virtual Result<NapiStatusReport> napi_status() = 0;

  // Whether add_guest() would take this guest, changing nothing.
  virtual Result<void> check_guest(const Guest& guest);

  // Writes. An ephemeral guest is forgotten when the daemon ends.
  virtual Result<void> add_guest(Guest guest, bool ephemeral) = 0;
  virtual Result<void> delete_guest(const std::string& name) = 0;
  virtual Result<void> reload() = 0;
  // Takes the program off these members (all, when empty) until the next reload or start. Detaching all also
  // removes the table and the pins.
  virtual Result<void> detach(const std::vector<InterfaceName>& members) = 0;
  // Sets the knobs of NICs, taps and host as the configuration says, and keeps them so; and puts them back.
  virtual Result<TuningReport> tune_apply() = 0;
  virtual Result<TuningReport> tune_revert() = 0;

  // Another tuning.napi until the next reload or start; empty: as the configuration says.
  virtual Result<TuningReport> set_napi(std::optional<NapiWish> wish) = 0;

  // Watches for a while. Nothing is watched otherwise: that costs the CPUs something.
  virtual Result<Ongoing<PollsReport>> watch_polls(uint64_t seconds) = 0;
  // Whether tuning has its effect.
  virtual Result<Ongoing<VerifyReport>> tune_verify(uint64_t seconds) = 0;
  // Tries values of tx-usecs on a member, so long each, and sets the present one again.
  virtual Result<Ongoing<SuggestReport>> suggest_tx_coalesce(const InterfaceName& member,
                                                             uint64_t seconds_each) = 0;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// What a client may ask of the daemon: the meaning behind the varlink methods. The control server turns calls
// into these, the daemon answers them. Every write is all or nothing.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/report.h"

namespace xdpfwd {

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
};

}  // namespace xdpfwd

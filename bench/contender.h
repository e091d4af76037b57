// SPDX-License-Identifier: BSD-2-Clause
// What every contender is: something that takes frames from a site's uplinks and puts each, without its tag,
// into the tap of its (VLAN, MAC). One file a contender, in contenders/: it registers itself by a static
// Registered.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/child.h"
#include "bench/rig.h"

namespace xdpfwd::bench {

class Contender {
 public:
  virtual ~Contender() = default;
  // Begins to forward to the site's guests. The destructor takes everything back.
  virtual Result<void> start(Site& site) = 0;
  // Its processes, if it has any.
  virtual std::vector<Child*> processes() { return {}; }
  // What it does when asked to restart, reload and the like: the events of the scenario "blocked-time".
  struct Event {
    std::string name;
    std::function<Result<void>()> happen;  // returns when it has happened, or says why it did not
    // Makes it as it was before, for the next repetition; not measured.
    std::function<Result<void>()> undo = {};
    bool moves_guest = false;  // the first guest to the second tap, as the end of a migration does
  };
  virtual std::vector<Event> events() { return {}; }
};

struct ContenderKind {
  std::string name;
  std::string summary;                  // what is measured, what is left out, and why
  std::function<Result<void>()> probe;  // an error says why this machine cannot have it
  std::function<std::unique_ptr<Contender>()> make;
  bool delivers = true;              // false: it drops, and is only a base to subtract
  bool keeps_tag = false;            // true: frames arrive with their tag
  unsigned most_guests = 1'000'000;  // taps it can serve
  unsigned most_uplinks = 1'000;
  double most_macs = 1e9;        // of a guest, as static entries
  std::string why_no_more = {};  // MACs
  bool reads_taps = false;       // what a guest sends it would see, and send a second time
  bool only_named = false;       // takes part only when it is asked for by name
  bool in_lab = false;           // takes part in the lab's scenarios
  bool takes_bond = false;       // in the lab: forwards what any member of a bond brings, by the bond's port
  bool takes_all = false;        // frames for no guest, too: LACP's
  bool tag_in_frame = false;     // reads the tag there only, so a NIC may not take it off
  int order = 100;               // in lists
};

// Sorted by order.
const std::vector<ContenderKind>& contender_kinds();
const ContenderKind* find_contender(const std::string& name);
// Of the lab's scenarios.
std::vector<std::string> lab_contenders(const std::function<bool(const ContenderKind&)>& wanted);

struct RegisteredContender {
  explicit RegisteredContender(ContenderKind kind);
};

// A contender at work in its rig. At rest it costs nothing: its processes are stopped, its NICs silent.
class Stand {
 public:
  static Result<std::unique_ptr<Stand>> open(const ContenderKind& kind, RigOptions options,
                                             Telemetry& telemetry);
  ~Stand();
  Stand(const Stand&) = delete;
  Stand& operator=(const Stand&) = delete;

  Result<void> wake();
  Result<void> rest();
  [[nodiscard]] const ContenderKind& kind() const { return kind_; }
  [[nodiscard]] Rig& rig() { return *rig_; }
  [[nodiscard]] Contender& contender() { return *contender_; }
  [[nodiscard]] std::vector<pid_t> processes() const;
  // Of its processes together.
  [[nodiscard]] ProcessCost cost() const;

 private:
  explicit Stand(const ContenderKind& kind) : kind_(kind) {}
  const ContenderKind& kind_;
  std::unique_ptr<Rig> rig_;
  std::unique_ptr<Contender> contender_;  // goes before its rig
};

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// What was there before us, so that it can be put back: an entry for each setting that we changed, or that a
// change of ours may have disturbed. Values only; how they are written down is undo_text.h, where they are
// kept is the shell's work.
//
// The order that makes every crash harmless:
//   1 plan against what is observed         2 record() the plan, and write what it returns to disk (fsync)
//   3 apply the steps                       4 observe, settle(), and write what it returns
// After a crash anywhere, step 1 of the next start finds the rest by itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/setting.h"

namespace xdpfwd {

struct TuningPlan;

// A setting that the steps may reset as a side effect.
struct Disturbed {
  Setting setting;
  InterfaceName device;
  std::string value;  // observed
  std::string held;   // what it is to be afterwards
};

struct UndoEntry {
  Setting setting;
  InterfaceName device;  // empty: the host
  std::string before;    // the value that somebody else set last: never one of ours
  std::string set;       // what it is to be; `before` where it was only disturbed, and is held
  // What we had set before that. It still holds if the host stopped between writing this and the change.
  std::optional<std::string> earlier;
  // A change of ours may have reset it, and nobody has looked since: whatever it reads is our doing.
  bool shaken = false;
  // Noted, and not seen done yet: if it does not hold, we ended before it was done, and nobody undid it.
  bool begun = false;
  // It is moved without the log being told (packing.h): whatever it reads is our doing. `set` is old then.
  bool roams = false;
  bool operator==(const UndoEntry&) const = default;
};

struct UndoLog {
  std::vector<UndoEntry> entries;  // sorted by setting, all of this boot
  bool operator==(const UndoLog&) const = default;
};

const UndoEntry* find_entry(const UndoLog& log, const Setting& setting);

// Whose value a setting has.
enum class Holder {
  kUs,      // what we set, or what came of it
  kNobody,  // as it was before us
  kOthers,  // somebody changed it since
};
Holder holder_of(const UndoEntry& entry, std::string_view observed);

// A setting's value: a location of a rule table without a rule has an empty one, and irqbalance's ban of an
// interrupt has one while irqbalance answers, whoever's the number is. Nothing where there is no such
// setting, or its device is not the one that the entry is about.
std::optional<std::string_view> observed_value(const HostTuning& host, const Setting& setting);
std::optional<std::string_view> observed_value(const HostTuning& host, const UndoEntry& entry);

// What the log has to say before the plan's first step is taken. An entry that is new to the log keeps the
// value that the plan found; one that is there keeps the oldest, unless the plan leaves it to somebody else.
struct UndoChanges {
  std::vector<UndoEntry> written;  // new, or not as they were
  std::vector<UndoEntry> dropped;  // not in the log any more
  [[nodiscard]] bool empty() const { return written.empty() && dropped.empty(); }
};
UndoChanges record(UndoLog& log, const TuningPlan& plan);
// Whether the log says of all that the plan lets roam that it does.
bool lets_roam(const UndoLog& log, const TuningPlan& plan);

// After all steps, or after those that worked: forgets what reads as before us and what is gone with its
// device; nothing else is our doing any more. `observed` must cover every device that the log names, as far
// as it is there; what it does not cover of `there` (ifindexes, sorted) is kept, as of a NIC that is being
// renamed. What is not in `roaming` (the plan's) roams no more. Never call it between a record() and its
// steps.
UndoChanges settle(UndoLog& log, const HostTuning& observed, const std::vector<uint32_t>& there = {},
                   const std::vector<Disturbed>& roaming = {});

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// What each command of xdpctl does: ask the daemon, and show the answer. Which command it is, and with which
// arguments, is the command line's (command_line.h).
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"

namespace xdpfwd {

// What a script can rely on.
enum ExitStatus {
  kExitGood = 0,
  kExitRefused = 1,      // the daemon refused, or something failed
  kExitUsage = 2,        // the command line is wrong
  kExitUnreachable = 3,  // no daemon answers
  kExitDegraded = 4,     // `status --check`, `tune verify`: not everything is as wanted
  kExitSignal = 128,     // and a signal's number, as shells say it: `napi record` was ended early
};

struct Session {
  std::string socket;
  bool json = false;
  bool colour = false;    // `out` is a terminal that shows colours
  bool terminal = false;  // `out` is a terminal
  std::FILE* out = stdout;
  std::FILE* err = stderr;
};

struct StatsArguments {
  std::optional<double> every_seconds;
  uint64_t rounds = 0;  // 0: until it is interrupted
};

int show_status(const Session& session, bool check);
int list_guests(const Session& session);
int add_guest(const Session& session, const Guest& guest, bool ephemeral, bool dry_run);
int delete_guest(const Session& session, const std::string& name);
int list_fdb(const Session& session);
int look_up_fdb(const Session& session, VlanTag vlan, MacAddress mac);
int list_ports(const Session& session);
int show_stats(const Session& session, const StatsArguments& arguments);
int show_plan(const Session& session);
int tune_plan(const Session& session);
int tune_status(const Session& session);
int tune_apply(const Session& session, bool dry_run);
int tune_revert(const Session& session);
int show_polls(const Session& session, uint64_t seconds);
int napi_status(const Session& session);
// Nothing: as the configuration says.
int set_napi(const Session& session, const std::optional<std::string>& mode);
int tune_verify(const Session& session, uint64_t seconds);
int suggest_tx_coalesce(const Session& session, const std::string& member, uint64_t seconds_each);
int reload(const Session& session);
int detach(const Session& session, const std::vector<std::string>& members, bool all);
int explain_word(const Session& session, const std::string& word);
int show_version(const Session& session);
// Names for completion, one in each line; silent when there is no daemon.
int complete_names(const Session& session, const std::string& kind);

// "xdpctl: message; remedy" to err.
int complain(const Session& session, const Error& error, int status);

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// All that a poller shares with anybody: its file of counters (kernel/poller_counters.h), mapped by it,
// readable by all. Locked while it runs.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/poller_counters.h"

namespace xdpfwd::poller {

// Whoever has the lock is the poller of this name. Code EBUSY: one that runs has it.
Result<UniqueFd> lock_folder(const std::string& folder);

class CountersFile {
 public:
  // Code EBUSY: a poller that runs has it.
  static Result<CountersFile> create(const std::string& folder);
  CountersFile(CountersFile&& other) noexcept;
  CountersFile& operator=(CountersFile&&) = delete;
  ~CountersFile();
  PollerCounters& counters() { return *counters_; }

 private:
  CountersFile(UniqueFd lock, UniqueFd file, std::string path, PollerCounters* counters)
      : lock_(std::move(lock)), file_(std::move(file)), path_(std::move(path)), counters_(counters) {}
  UniqueFd lock_;
  UniqueFd file_;  // locked too: how readers know that it runs
  std::string path_;
  PollerCounters* counters_;
};

// What a poller's file says, as JSON; also of one that has been killed ("running" is false then).
Result<std::string> read_status(const std::string& folder);

}  // namespace xdpfwd::poller

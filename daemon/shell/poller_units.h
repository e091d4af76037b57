// SPDX-License-Identifier: BSD-2-Clause
// Has the pollers run that tuning wants: writes their files, has their services started, stopped and started
// anew, and tells of those that do not run. Files that it did not write, and their pollers, are left alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/report.h"
#include "kernel/poller_counters.h"
#include "shell/services.h"
#include "tuning/pollers.h"

namespace xdpfwd {

class PollerUnits {
 public:
  // While a service starts or ends, its state is asked for so often; and never more often.
  static constexpr uint64_t kStartingMs = 250;
  // For so long, and by then that is no usual start any more.
  static constexpr uint64_t kLongestStartMs = 10'000;
  // One that does not take its file is not started anew more often.
  static constexpr uint64_t kAgainMs = 10'000;
  // A poller that writes nothing for so long has stalled.
  static constexpr uint64_t kSilentMs = 3000;

  // `run_folder`: where the control socket is, /run/xdpfwd. The files go to run_folder/pollers, pollers have
  // their counters in run_folder-poller.
  explicit PollerUnits(const std::string& run_folder)
      : folder_(run_folder + "/pollers"), counters_(run_folder + "-poller") {}

  // Without, pollers are started by hand, and the command is a problem until they run.
  void use(std::unique_ptr<Services> services) { services_ = std::move(services); }
  [[nodiscard]] const std::string& folder() const { return folder_; }

  // After each look at tuning: what is missing is made so, what is not wanted any more goes.
  void make_so(const std::vector<Poller>& wanted, uint64_t now_ms);
  // Some of those that were told to stop, as of the last make_so(): it asks again.
  [[nodiscard]] bool are_ending() const { return !stopping_.empty(); }
  // Another configuration, or somebody asked: what had no handle is tried again.
  void try_again() {
    unpolled_.clear();
    without_handle_.clear();
    retry_ = true;
  }
  // Queues whose poller said that nothing polls them for it.
  [[nodiscard]] std::vector<uint32_t> unpolled() const { return {unpolled_.begin(), unpolled_.end()}; }
  [[nodiscard]] std::optional<uint64_t> next_look_ms() const { return next_ms_; }
  // Of those wanted last, as they are now.
  [[nodiscard]] std::vector<Problem> problems() const;
  // Of all pollers that run here, whoever started them.
  [[nodiscard]] std::vector<PollerReading> readings() const { return read_pollers(counters_); }
  // What is to be done by hand for pollers that are only planned.
  [[nodiscard]] std::vector<Problem> by_hand(const std::vector<Poller>& planned) const;

 private:
  enum class Held { kNobody, kUs, kOthers };
  struct Served {
    Poller poller;
    std::optional<Problem> problem;  // of the last make_so()
    bool starting = false;
    int failed_status = 0;  // it waits until systemd starts it again
  };
  [[nodiscard]] std::string path_of(const std::string& name) const { return folder_ + "/" + name + ".conf"; }
  [[nodiscard]] std::string command_of(const std::string& name) const;
  [[nodiscard]] Held holder_of(const std::string& name, std::string* text) const;
  Result<void> write(const std::string& name, const std::string& text) const;
  // Those of our files that are not wanted.
  [[nodiscard]] std::set<std::string> superfluous(const std::set<std::string>& wanted) const;
  void retire(const std::set<std::string>& wanted);
  // One that was told to stop.
  bool has_ended(const std::string& name);
  void note_state(Served& served, const ServiceStatus& status, uint64_t now_ms);
  void serve(Served& served, uint64_t now_ms);
  // Its counters name the queues that its file named when it started.
  [[nodiscard]] static bool polls_others(const Poller& poller, const PollerReading& reading);
  [[nodiscard]] std::optional<Problem> what_is_wrong_with(const Served& served) const;

  std::string folder_;
  std::string counters_;
  std::unique_ptr<Services> services_;
  std::vector<Served> served_;
  std::set<std::string> stopping_;  // by name: told to stop, and not waited for again
  std::vector<Problem> not_retired_;
  bool retry_ = true;  // also what failed for good
  std::set<uint32_t> unpolled_;
  std::set<std::string> without_handle_;        // by name: those that said so
  std::map<std::string, uint64_t> started_ms_;  // by name: when it was last started anew
  std::map<std::string, uint64_t> starting_since_ms_;
  uint64_t last_ms_ = 0;
  std::optional<uint64_t> next_ms_;
};

}  // namespace xdpfwd

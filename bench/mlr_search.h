// SPDX-License-Identifier: BSD-2-Clause
// MLRsearch (draft-ietf-bmwg-mlrsearch): finds, for several goals at once, the highest load at which a
// forwarder still meets them, by trials that may disagree with each other. Pure: it says which trial comes
// next, and is told how that one went.
//
// A goal is met at a load when, counted by trial duration, not more than exceed_ratio of its trials lose more
// than loss_ratio. A load is decided when that holds whatever further trials, up to duration_sum, would say.
// The answer is the highest load that meets the goal and is at most `width` below one that does not.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xdpfwd::bench {

struct MlrGoal {
  std::string name;           // "pdr"
  double loss_ratio = 0;      // of a trial
  double exceed_ratio = 0.5;  // of the trials' time
  double trial_s = 1;
  double duration_sum_s = 21;
  double width = 0.005;  // relative
};

struct MlrLimits {
  double min_load = 1'000;  // frames a second
  double max_load = 10'000'000;
  unsigned most_trials = 1'000;
};

struct MlrTrial {
  double load = 0;
  double seconds = 0;
};

struct MlrAnswer {
  std::string goal;
  double load = 0;                    // the relevant lower bound; 0: even the least load is too much
  double conditional_throughput = 0;  // frames a second that arrived in the typical trial there
  bool found = false;  // false: out of trials, or the highest load meets it: `load` is a lower bound
};

class MlrSearch {
 public:
  MlrSearch(std::vector<MlrGoal> goals, MlrLimits limits);

  // Empty: all goals are decided.
  [[nodiscard]] std::optional<MlrTrial> next() const;
  // A trial that took longer than it should counts as one that lost the frames which came late: the caller's
  // part.
  void record(const MlrTrial& trial, double loss_ratio);
  [[nodiscard]] std::vector<MlrAnswer> answers() const;
  // What arrived a second when everything was offered: the first trial.
  [[nodiscard]] double most_received() const { return most_received_; }

  enum class Verdict { kMet, kMissed, kOpen };
  [[nodiscard]] Verdict judge(const MlrGoal& goal, double load) const;

 private:
  struct Outcome {
    double seconds;
    double loss_ratio;
  };
  [[nodiscard]] double highest_met(const MlrGoal& goal) const;
  [[nodiscard]] std::optional<double> lowest_missed(const MlrGoal& goal, double above) const;
  [[nodiscard]] std::optional<double> wanted_load(const MlrGoal& goal) const;

  std::vector<MlrGoal> goals_;
  MlrLimits limits_;
  std::map<double, std::vector<Outcome>> trials_;
  unsigned count_ = 0;
  double most_received_ = 0;
};

}  // namespace xdpfwd::bench

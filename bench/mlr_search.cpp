// SPDX-License-Identifier: BSD-2-Clause
#include "bench/mlr_search.h"

#include <algorithm>
#include <cmath>

namespace xdpfwd::bench {

MlrSearch::MlrSearch(std::vector<MlrGoal> goals, MlrLimits limits)
    : goals_(std::move(goals)), limits_(limits) {}

// Whatever the time still missing to the goal's duration sum would bring: all good, or all bad.
MlrSearch::Verdict MlrSearch::judge(const MlrGoal& goal, double load) const {
  const auto found = trials_.find(load);
  if (found == trials_.end()) return Verdict::kOpen;
  double good = 0;
  double bad = 0;
  for (const Outcome& outcome : found->second)
    (outcome.loss_ratio <= goal.loss_ratio ? good : bad) += outcome.seconds;
  const double missing = std::max(0.0, goal.duration_sum_s - good - bad);
  const double all = good + bad + missing;
  if ((bad + missing) / all <= goal.exceed_ratio) return Verdict::kMet;
  if (bad / all > goal.exceed_ratio) return Verdict::kMissed;
  return Verdict::kOpen;
}

// A load above one that misses the goal does not count, even if it met it.
double MlrSearch::highest_met(const MlrGoal& goal) const {
  double highest = 0;
  for (const auto& [load, outcomes] : trials_) {
    const Verdict verdict = judge(goal, load);
    if (verdict == Verdict::kMissed) break;
    if (verdict == Verdict::kMet) highest = load;
  }
  return highest;
}

std::optional<double> MlrSearch::lowest_missed(const MlrGoal& goal, double above) const {
  for (const auto& [load, outcomes] : trials_)
    if (load > above && judge(goal, load) == Verdict::kMissed) return load;
  return {};
}

// Where this goal needs the next trial: between its bounds, or at a load that is not decided yet.
std::optional<double> MlrSearch::wanted_load(const MlrGoal& goal) const {
  const double low = highest_met(goal);
  const std::optional<double> high = lowest_missed(goal, low);
  const double top = high.value_or(limits_.max_load);
  if (!high && low >= limits_.max_load) return {};
  if (high && low == 0 && *high <= limits_.min_load) return {};
  if (high && low > 0 && (*high - low) <= goal.width * *high * 1.000001) return {};
  // Begun, and not decided: the lowest one between the bounds.
  for (const auto& [load, outcomes] : trials_)
    if (load > low && load < top && judge(goal, load) == Verdict::kOpen) return load;
  // Nothing met yet: what arrived when everything was offered is the best guess, then down by halves; nothing
  // missed yet: up by doubling.
  if (low == 0) {
    const double guess = std::clamp(most_received_, limits_.min_load, limits_.max_load);
    return !high || guess < *high ? guess : std::max(limits_.min_load, *high / 2);
  }
  return high ? std::sqrt(low * *high) : std::min(low * 2, limits_.max_load);
}

std::optional<MlrTrial> MlrSearch::next() const {
  if (count_ >= limits_.most_trials || goals_.empty()) return {};
  // The first trial, at the highest load, warms up and tells what can arrive at all.
  if (count_ == 0) return MlrTrial{limits_.max_load, goals_.front().trial_s};
  for (const MlrGoal& goal : goals_)
    if (const auto load = wanted_load(goal)) return MlrTrial{*load, goal.trial_s};
  return {};
}

void MlrSearch::record(const MlrTrial& trial, double loss_ratio) {
  if (count_++ == 0) {
    most_received_ = trial.load * (1 - loss_ratio);
    // It was the warm-up: where it lost, it would have lost anyway; where it did not, it is to be seen again.
    return;
  }
  trials_[trial.load].push_back({trial.seconds, loss_ratio});
}

std::vector<MlrAnswer> MlrSearch::answers() const {
  std::vector<MlrAnswer> answers;
  for (const MlrGoal& goal : goals_) {
    MlrAnswer answer{.goal = goal.name, .load = highest_met(goal)};
    const auto high = lowest_missed(goal, answer.load);
    answer.found = high && answer.load > 0 && (*high - answer.load) <= goal.width * *high * 1.000001;
    if (const auto at = trials_.find(answer.load); at != trials_.end()) {
      std::vector<Outcome> sorted = at->second;
      std::ranges::sort(sorted, {}, &Outcome::loss_ratio);
      double all = 0;
      for (const Outcome& outcome : sorted) all += outcome.seconds;
      // The loss that exceed_ratio of the time is at or above.
      double seen = 0;
      for (const Outcome& outcome : sorted) {
        seen += outcome.seconds;
        if (seen >= all * (1 - goal.exceed_ratio)) {
          answer.conditional_throughput = answer.load * (1 - outcome.loss_ratio);
          break;
        }
      }
    }
    answers.push_back(answer);
  }
  return answers;
}

}  // namespace xdpfwd::bench

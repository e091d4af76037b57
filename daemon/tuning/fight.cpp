// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/fight.h"

#include <iterator>

namespace xdpfwd {

void Fights::forget(uint64_t now_ms) {
  for (auto at = bouts_.begin(); at != bouts_.end();) {
    Bout& bout = at->second;
    while (!bout.times.empty() && now_ms - bout.times.front() >= kWithinMs) bout.times.pop_front();
    const bool over = bout.until == 0 ? bout.times.empty() : now_ms >= bout.until;
    at = over ? bouts_.erase(at) : std::next(at);
  }
}

std::vector<Setting> Fights::held(uint64_t now_ms) {
  forget(now_ms);
  std::vector<Setting> settings;
  for (const auto& [setting, bout] : bouts_)
    if (bout.until != 0) settings.push_back(setting);
  return settings;
}

std::vector<Setting> Fights::count(const TuningPlan& plan, uint64_t now_ms) {
  forget(now_ms);
  std::vector<Setting> refused;
  for (const TuningStep& step : plan.steps) {
    if (!step.reasserts) continue;
    const auto bout = bouts_.find(step.setting);
    if (bout == bouts_.end() || bout->second.times.size() < kMost) continue;
    bout->second.until = now_ms + kPauseMs;
    refused.push_back(step.setting);
  }
  if (!refused.empty()) return refused;
  for (const TuningStep& step : plan.steps)
    if (step.reasserts) bouts_[step.setting].times.push_back(now_ms);
  return {};
}

uint64_t Fights::next_ms() const {
  uint64_t next = 0;
  for (const auto& [setting, bout] : bouts_)
    if (bout.until != 0 && (next == 0 || bout.until < next)) next = bout.until;
  return next;
}

}  // namespace xdpfwd

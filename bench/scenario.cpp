// SPDX-License-Identifier: BSD-2-Clause
#include "bench/scenario.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace xdpfwd::bench {
namespace {

std::vector<ScenarioKind>& registry() {
  static std::vector<ScenarioKind> kinds;
  return kinds;
}

}  // namespace

RegisteredScenario::RegisteredScenario(ScenarioKind kind) {
  std::vector<ScenarioKind>& kinds = registry();
  const auto at =
      std::ranges::find_if(kinds, [&](const ScenarioKind& other) { return other.order > kind.order; });
  kinds.insert(at, std::move(kind));
}

const std::vector<ScenarioKind>& scenario_kinds() {
  return registry();
}

const ScenarioKind* find_scenario(const std::string& name) {
  const auto found = std::ranges::find(registry(), name, &ScenarioKind::name);
  return found == registry().end() ? nullptr : &*found;
}

std::vector<std::string> no_contenders() {
  return {};
}

Result<void> check_contenders(const ScenarioKind& kind, const std::vector<std::string>& chosen) {
  const std::vector<std::string> own = kind.contenders ? kind.contenders() : no_contenders();
  for (const std::string& name : chosen) {
    if (!kind.contenders) {
      if (find_contender(name) == nullptr)
        return fail(fmt::format("there is no contender '{}'", name), "'xdpfwd-bench list' names them");
    } else if (own.empty()) {
      return fail(fmt::format("{} takes no --contender, as it compares none: '{}'", kind.name, name),
                  "run it without --contender");
    } else if (std::ranges::find(own, name) == own.end()) {
      return fail(fmt::format("{} has no contender '{}'", kind.name, name),
                  fmt::format("choose from: {}", fmt::join(own, ", ")));
    }
  }
  return {};
}

std::vector<std::string> chosen_of(const RunOptions& options, std::vector<std::string> all) {
  if (!options.contenders.empty())
    std::erase_if(all, [&](const std::string& one) {
      return std::ranges::find(options.contenders, one.substr(0, one.find(':'))) == options.contenders.end();
    });
  return all;
}

void leave_out(Run& run, const std::string& contender, const Error& why) {
  run.progress.note(fmt::format("{} is left out: {}", contender, why.text()));
  (void)run.file.add_absent(contender, why.text());
}

std::vector<const ContenderKind*> present_contenders(
    Run& run, const std::function<bool(const ContenderKind&)>& wanted) {
  std::vector<const ContenderKind*> present;
  for (const ContenderKind& kind : contender_kinds()) {
    const std::vector<std::string>& chosen = run.options.contenders;
    if (chosen.empty() ? kind.only_named : std::ranges::find(chosen, kind.name) == chosen.end()) continue;
    if (!wanted(kind)) continue;
    if (const auto there = kind.probe(); !there)
      leave_out(run, kind.name, there.error());
    else
      present.push_back(&kind);
  }
  return present;
}

}  // namespace xdpfwd::bench

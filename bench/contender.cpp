// SPDX-License-Identifier: BSD-2-Clause
#include "bench/contender.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpfwd::bench {
namespace {

using namespace std::chrono_literals;

std::vector<ContenderKind>& registry() {
  static std::vector<ContenderKind> kinds;
  return kinds;
}

}  // namespace

RegisteredContender::RegisteredContender(ContenderKind kind) {
  std::vector<ContenderKind>& kinds = registry();
  const auto at =
      std::ranges::find_if(kinds, [&](const ContenderKind& other) { return other.order > kind.order; });
  kinds.insert(at, std::move(kind));
}

const std::vector<ContenderKind>& contender_kinds() {
  return registry();
}

const ContenderKind* find_contender(const std::string& name) {
  const auto found = std::ranges::find(registry(), name, &ContenderKind::name);
  return found == registry().end() ? nullptr : &*found;
}

std::vector<std::string> lab_contenders(const std::function<bool(const ContenderKind&)>& wanted) {
  std::vector<std::string> names;
  for (const ContenderKind& kind : registry())
    if (kind.in_lab && wanted(kind)) names.push_back(kind.name);
  return names;
}

Result<std::unique_ptr<Stand>> Stand::open(const ContenderKind& kind, RigOptions options,
                                           Telemetry& telemetry) {
  static unsigned number = 0;
  options.name = fmt::format("{}-{}", kind.name, number++);
  options.guests = std::min(options.guests, kind.most_guests);
  options.keep_tag = kind.keeps_tag;
  auto stand = std::unique_ptr<Stand>(new Stand(kind));
  auto rig = Rig::make(options, telemetry);
  if (!rig) return std::unexpected(rig.error());
  stand->rig_ = std::move(*rig);
  stand->contender_ = kind.make();
  if (auto started = stand->contender_->start(*stand->rig_); !started)
    return fail_in(kind.name, started.error());
  // A million guests are 80 MB of configuration.
  const auto patience = 30s + 1ms * (stand->rig_->guests().size() / 10);
  if (kind.delivers)
    if (auto works = stand->rig_->wait_until_forwarding(patience); !works) {
      Error error = works.error();
      for (const Child* child : stand->contender_->processes()) error.message += "\n" + child->last_words();
      return fail_in(kind.name, error);
    }
  if (auto rested = stand->rest(); !rested) return std::unexpected(rested.error());
  return stand;
}

Stand::~Stand() {
  contender_.reset();
}

Result<void> Stand::wake() {
  for (const Child* child : contender_->processes()) {
    child->thaw();
    if (!child->running())
      return fail(fmt::format("{}: a process ended: {}", kind_.name, child->last_words()));
  }
  if (auto woken = rig_->wake(); !woken) return fail_in(kind_.name, woken.error());
  return {};
}

Result<void> Stand::rest() {
  for (const Child* child : contender_->processes()) child->freeze();
  return rig_->rest();
}

std::vector<pid_t> Stand::processes() const {
  std::vector<pid_t> all;
  for (const Child* child : contender_->processes()) all.push_back(child->pid());
  return all;
}

ProcessCost Stand::cost() const {
  ProcessCost total;
  for (const Child* child : contender_->processes()) {
    const ProcessCost one = child->cost();
    total.rss_mib += one.rss_mib;
    total.cpu_ns += one.cpu_ns;
    total.user_ticks += one.user_ticks;
    total.system_ticks += one.system_ticks;
  }
  return total;
}

}  // namespace xdpfwd::bench

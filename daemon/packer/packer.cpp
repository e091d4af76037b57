// SPDX-License-Identifier: BSD-2-Clause
#include "packer/packer.h"

#include <fmt/format.h>

#include <algorithm>

#include "packer/board.h"
#include "packer/consolidation.h"
#include "packer/relief.h"

namespace xdpfwd::packer {
namespace {

constexpr float kFull = 0.98F;      // a CPU that was busy for this share had no time left
constexpr float kFairShare = 0.8F;  // of the busiest there: who had less of a full CPU had all that it wanted
constexpr uint32_t kLongCalm = 50;  // intervals, before anything moves for locality alone

// By id, without those that are given twice: the first counts. No tree: this is for every NAPI in every
// interval.
std::vector<const NapiLoad*> in_order(std::span<const NapiLoad> loads) {
  std::vector<const NapiLoad*> by_id;
  by_id.reserve(loads.size());
  for (const NapiLoad& load : loads) by_id.push_back(&load);
  std::ranges::sort(by_id, {}, [](const NapiLoad* load) { return std::pair(load->napi, load); });
  const auto twice = std::ranges::unique(by_id, {}, &NapiLoad::napi);
  by_id.erase(twice.begin(), twice.end());
  return by_id;
}

}  // namespace

Packer::Packer(PackerSettings settings, std::vector<CpuPlace> cpus)
    : settings_(settings), cpus_(std::move(cpus)), relieved_(cpus_.size()) {}

Result<Packer> Packer::make(PackerSettings settings, std::vector<CpuPlace> cpus) {
  if (!(settings.target > 0 && settings.target <= settings.mark && settings.mark <= 1))
    return fail(fmt::format("a target of {:.0f} % and a mark of {:.0f} % cannot be", settings.target * 100,
                            settings.mark * 100),
                "the target is above 0, and the mark between it and 100 %");
  if (settings.moves_saved == 0 || settings.move_every == 0)
    return fail("NAPIs that may never move cannot be packed",
                "give moves_saved and move_every of at least 1");
  if (cpus.empty()) return fail("there is no CPU to pack NAPIs on", "allow at least one");
  Packer packer(settings, std::move(cpus));
  for (size_t i = 0; i < packer.cpus_.size(); ++i)
    if (!packer.index_of_cpu_.emplace(packer.cpus_[i].cpu, i).second)
      return fail(fmt::format("CPU {} is given twice", packer.cpus_[i].cpu), "name each CPU once");
  return packer;
}

Decision Packer::decide(std::span<const NapiLoad> loads) {
  Decision decision;
  ++now_;
  const std::vector<const NapiLoad*> by_id = in_order(loads);
  std::erase_if(known_, [&](const auto& one) {
    return !std::ranges::binary_search(by_id, one.first, {}, &NapiLoad::napi);
  });

  // Of each CPU: what its NAPIs ran together, what the busiest of them ran, and what something else must have
  // run, as a NAPI waited for longer than the others ran.
  std::vector<float> busy(cpus_.size()), busiest(cpus_.size()), taken(cpus_.size());
  const auto place_of = [&](const NapiLoad& load) {
    const auto found = index_of_cpu_.find(load.cpu);
    return found == index_of_cpu_.end() ? Board::kNowhere : found->second;
  };
  for (const NapiLoad* load : by_id)
    if (const size_t cpu = place_of(*load); cpu != Board::kNowhere) {
      if (load->busy > 0) busy[cpu] += load->busy;
      busiest[cpu] = std::max(busiest[cpu], load->busy);
    }
  for (const NapiLoad* load : by_id)
    if (const size_t cpu = place_of(*load); cpu != Board::kNowhere)
      taken[cpu] = std::max(taken[cpu], load->waiting + load->busy - busy[cpu]);

  Board board(cpus_);
  std::vector<const NapiLoad*> given;
  std::vector<std::vector<uint8_t>> allowed;
  allowed.reserve(by_id.size());  // the board keeps pointers
  std::vector<size_t> homeless;
  for (const NapiLoad* load : by_id) {
    const size_t cpu = place_of(*load);
    const bool starved = cpu == Board::kNowhere ||
                         (busy[cpu] + taken[cpu] >= kFull && load->busy >= kFairShare * busiest[cpu]);
    Known& known = known_[load->napi];
    if (load->measured) known.demand.observe(*load, starved, now_);
    if (known.spent > 0) --known.spent;
    const uint32_t left =
        settings_.moves_saved - (known.spent + settings_.move_every - 1) / settings_.move_every;
    std::vector<uint8_t> mask;
    if (!load->allowed.empty()) {
      mask.resize(cpus_.size());
      for (const uint32_t one : load->allowed)
        if (const auto found = index_of_cpu_.find(one); found != index_of_cpu_.end()) mask[found->second] = 1;
      if (std::ranges::none_of(mask, [](uint8_t may) { return may != 0; })) {
        decision.unplaceable.push_back(load->napi);
        continue;
      }
    }
    allowed.push_back(std::move(mask));
    const bool stays = cpu != Board::kNowhere && (allowed.back().empty() || allowed.back()[cpu] != 0);
    board.add(&known.demand.profile(), &allowed.back(), load->node, left, stays ? cpu : Board::kNowhere);
    if (!stays) homeless.push_back(given.size());
    given.push_back(load);
  }

  std::vector<MoveReason> reasons(given.size(), MoveReason::kRelieve);
  for (const size_t napi : homeless) {
    reasons[napi] = MoveReason::kNotAllowed;
    auto cpu = board.best_used(napi, limits_of(settings_), Board::kNowhere);
    if (!cpu) cpu = board.best_free(napi);
    if (!cpu) cpu = board.emptiest(napi, Board::kNowhere);
    board.put(napi, *cpu);
  }
  std::vector<size_t> before(given.size());
  const auto mark_moved = [&](MoveReason reason) {
    for (size_t napi = 0; napi < given.size(); ++napi)
      if (board.cpu_of(napi) != before[napi] && reasons[napi] != MoveReason::kNotAllowed)
        reasons[napi] = reason;
    for (size_t napi = 0; napi < given.size(); ++napi) before[napi] = board.cpu_of(napi);
  };
  mark_moved(MoveReason::kRelieve);
  relieve(board, settings_);
  for (size_t napi = 0; napi < given.size(); ++napi)
    if (board.cpu_of(napi) != before[napi]) relieved_[before[napi]] = relieved_[board.cpu_of(napi)] = now_;
  mark_moved(MoveReason::kRelieve);
  std::vector<uint8_t> calm(cpus_.size());
  for (size_t cpu = 0; cpu < cpus_.size(); ++cpu) calm[cpu] = now_ - relieved_[cpu] >= settings_.calm ? 1 : 0;
  consolidate(board, settings_, calm);
  mark_moved(MoveReason::kConsolidate);
  if (now_ - moved_ >= kLongCalm && board.steps() == 0 && move_nearer(board, settings_))
    mark_moved(MoveReason::kLocality);
  if (board.steps() != 0) moved_ = now_;

  for (size_t napi = 0; napi < given.size(); ++napi) {
    const NapiLoad& load = *given[napi];
    const uint32_t to = cpus_[board.cpu_of(napi)].cpu;
    if (to == load.cpu) continue;
    decision.moves.push_back({load.napi, load.irq, load.cpu, to, reasons[napi]});
    if (reasons[napi] != MoveReason::kNotAllowed) known_[load.napi].spent += settings_.move_every;
  }
  return decision;
}

}  // namespace xdpfwd::packer

// SPDX-License-Identifier: BSD-2-Clause
#include "packer/board.h"

#include <algorithm>
#include <map>

namespace xdpfwd::packer {
namespace {

constexpr float kRounding = 1e-4F;  // three times 0.3 is not 0.9

}  // namespace

Board::Board(std::span<const CpuPlace> cpus) {
  std::map<uint32_t, size_t> cores;
  cpus_.reserve(cpus.size());
  for (const CpuPlace& place : cpus) {
    const size_t core = cores.try_emplace(place.core, cores.size()).first->second;
    cpus_.push_back({.place = place, .core = core});
  }
  used_of_core_.resize(cores.size());
}

void Board::add(const Profile* profile, const std::vector<uint8_t>* allowed, int32_t node, uint32_t moves,
                size_t cpu) {
  napis_.push_back({profile, allowed, node, moves, kNowhere, *std::ranges::max_element(*profile)});
  if (cpu != kNowhere) move(napis_.size() - 1, cpu);
}

bool Board::allowed(size_t napi, size_t cpu) const {
  const std::vector<uint8_t>& list = *napis_[napi].allowed;
  return list.empty() || list[cpu] != 0;
}

bool Board::remote(size_t napi, size_t cpu) const {
  return napis_[napi].node != kNoNode && cpus_[cpu].place.node != kNoNode &&
         napis_[napi].node != cpus_[cpu].place.node;
}

float Board::peak(size_t cpu) const {
  return *std::ranges::max_element(cpus_[cpu].sum);
}

bool Board::core_used(size_t cpu) const {
  return used_of_core_[cpus_[cpu].core] != 0;
}

bool Board::core_shared(size_t cpu) const {
  return used(cpu) && used_of_core_[cpus_[cpu].core] > 1;
}

bool Board::fits(size_t napi, size_t cpu, Limits limits) const {
  if (!allowed(napi, cpu)) return false;
  const Profile& one = *napis_[napi].profile;
  const Profile& sum = cpus_[cpu].sum;
  if (one[kMean] + sum[kMean] > limits.mean + kRounding) return false;
  uint32_t over = 0;  // without a branch: this is the innermost loop
  for (size_t i = 0; i < one.size(); ++i)
    over |= static_cast<uint32_t>(one[i] + sum[i] > limits.peak + kRounding);
  return over == 0;
}

std::optional<size_t> Board::best_used(size_t napi, Limits limits, size_t except) const {
  std::optional<size_t> best;
  bool best_remote = true;
  for (size_t cpu = 0; cpu < cpus_.size(); ++cpu) {
    if (cpu == except || !used(cpu) || !fits(napi, cpu, limits)) continue;
    const bool far = remote(napi, cpu);
    const bool better = !best || (far != best_remote ? !far : expected(cpu) > expected(*best));
    if (!better) continue;
    best = cpu;
    best_remote = far;
  }
  return best;
}

std::optional<size_t> Board::best_free(size_t napi) const {
  std::optional<size_t> best;
  unsigned best_cost = 0;
  for (size_t cpu = 0; cpu < cpus_.size(); ++cpu) {
    if (used(cpu) || !allowed(napi, cpu)) continue;
    const unsigned cost = (core_used(cpu) ? 2U : 0U) + (remote(napi, cpu) ? 1U : 0U);
    if (best && cost >= best_cost) continue;
    best = cpu;
    best_cost = cost;
  }
  return best;
}

std::optional<size_t> Board::emptiest(size_t napi, size_t except) const {
  std::optional<size_t> best;
  for (size_t cpu = 0; cpu < cpus_.size(); ++cpu)
    if (cpu != except && allowed(napi, cpu) && (!best || expected(cpu) < expected(*best))) best = cpu;
  return best;
}

void Board::move(size_t napi, size_t cpu) {
  OnBoard& one = napis_[napi];
  if (one.cpu != kNowhere) {
    Cpu& old = cpus_[one.cpu];
    std::erase(old.napis, napi);
    for (size_t i = 0; i < old.sum.size(); ++i) old.sum[i] -= (*one.profile)[i];
    if (old.napis.empty()) {
      old.sum = {};  // no rounding is left
      --used_of_core_[old.core];
    }
  }
  one.cpu = cpu;
  if (cpu == kNowhere) return;
  Cpu& next = cpus_[cpu];
  if (next.napis.empty()) ++used_of_core_[next.core];
  next.napis.push_back(napi);
  for (size_t i = 0; i < next.sum.size(); ++i) next.sum[i] += (*one.profile)[i];
}

void Board::put(size_t napi, size_t cpu) {
  journal_.push_back({napi, napis_[napi].cpu});
  move(napi, cpu);
}

void Board::take_back(size_t steps) {
  while (journal_.size() > steps) {
    move(journal_.back().napi, journal_.back().from);
    journal_.pop_back();
  }
}

}  // namespace xdpfwd::packer

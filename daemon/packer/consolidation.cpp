// SPDX-License-Identifier: BSD-2-Clause
#include "packer/consolidation.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>

namespace xdpfwd::packer {
namespace {

constexpr size_t kCandidates = 6;  // the emptiest CPUs that are tried

std::vector<size_t> by_peak(const Board& board, std::vector<size_t> napis) {
  std::ranges::sort(napis, std::greater(),
                    [&](size_t napi) { return std::pair(board.peak_of(napi), ~napi); });
  return napis;
}

// Half of a NAPI's moves is for relief.
bool spare(const Board& board, size_t napi, const PackerSettings& settings) {
  return board.moves_left(napi) > settings.moves_saved / 2;
}

// Makes room by moving a smaller one on.
bool exchange(Board& board, size_t napi, size_t emptied, const PackerSettings& settings) {
  const Limits limits = limits_of(settings);
  const size_t before = board.steps();
  for (size_t cpu = 0; cpu < board.cpus(); ++cpu) {
    if (cpu == emptied || !board.used(cpu) || !board.allowed(napi, cpu)) continue;
    for (const size_t other : by_peak(board, board.on(cpu))) {
      if (board.peak_of(other) >= board.peak_of(napi) || !spare(board, other, settings)) continue;
      board.put(other, Board::kNowhere);
      if (board.fits(napi, cpu, limits)) {
        board.put(napi, cpu);
        if (const auto next = board.best_used(other, limits, emptied)) {
          board.put(other, *next);
          return true;
        }
      }
      board.take_back(before);
    }
  }
  return false;
}

// Only a CPU that can be emptied is, and then as far as `room` steps go: the next intervals find what is
// left.
bool empty(Board& board, size_t cpu, size_t room, const PackerSettings& settings) {
  for (const size_t napi : board.on(cpu))
    if (!spare(board, napi, settings)) return false;
  const size_t before = board.steps();
  size_t within = before;
  for (const size_t napi : by_peak(board, board.on(cpu))) {
    const auto next = board.best_used(napi, limits_of(settings), cpu);
    if (next)
      board.put(napi, *next);
    else if (!exchange(board, napi, cpu, settings)) {
      board.take_back(before);
      return false;
    }
    if (board.steps() - before <= room) within = board.steps();
  }
  board.take_back(within);
  return true;
}

}  // namespace

void consolidate(Board& board, const PackerSettings& settings, const std::vector<uint8_t>& calm) {
  const size_t before = board.steps();
  std::vector<size_t> cpus;
  for (size_t cpu = 0; cpu < board.cpus(); ++cpu)
    if (board.used(cpu) && calm[cpu] != 0) cpus.push_back(cpu);
  std::ranges::stable_sort(cpus, {}, [&](size_t cpu) { return board.peak(cpu); });
  size_t failures = 0;
  for (const size_t cpu : cpus) {
    if (board.steps() - before >= settings.most_moves || failures == kCandidates) return;
    const size_t start = board.steps();
    // Wholly, as half an emptied CPU saves nothing; but the first one also if it has more than an interval's.
    if (!empty(board, cpu, start == before ? settings.most_moves : SIZE_MAX, settings))
      ++failures;
    else if (board.steps() - before > settings.most_moves)
      return board.take_back(start);
  }
}

bool move_nearer(Board& board, const PackerSettings& settings) {
  for (size_t cpu = 0; cpu < board.cpus(); ++cpu) {
    if (!board.used(cpu)) continue;
    const std::vector<size_t> napis = board.on(cpu);
    if (napis.size() > settings.most_moves) continue;
    const auto far = [&](size_t from) {
      return std::ranges::count_if(napis, [&](size_t napi) { return board.remote(napi, from); });
    };
    const bool shared = board.core_shared(cpu);
    if ((far(cpu) == 0 && !shared) ||
        !std::ranges::all_of(napis, [&](size_t napi) { return spare(board, napi, settings); }))
      continue;
    std::optional<size_t> best;
    for (size_t next = 0; next < board.cpus(); ++next) {
      if (board.core_used(next) || (!shared && far(next) >= far(cpu)) || (best && far(next) >= far(*best)))
        continue;
      if (std::ranges::all_of(napis, [&](size_t napi) { return board.allowed(napi, next); })) best = next;
    }
    if (!best) continue;
    for (const size_t napi : napis) board.put(napi, *best);
    return true;
  }
  return false;
}

}  // namespace xdpfwd::packer

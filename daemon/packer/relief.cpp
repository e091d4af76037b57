// SPDX-License-Identifier: BSD-2-Clause
#include "packer/relief.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <vector>

namespace xdpfwd::packer {
namespace {

struct Lifted {
  size_t napi;
  size_t from;
};

bool over(const Board& board, size_t cpu, float mark, size_t entry = kExpected) {
  return board.load(cpu, entry) > mark && board.on(cpu).size() > 1;
}

bool any_over(const Board& board, float mark, size_t entry) {
  for (size_t cpu = 0; cpu < board.cpus(); ++cpu)
    if (over(board, cpu, mark, entry)) return true;
  return false;
}

// The smallest one that is enough, else the largest: few moves. Nothing if no one has a move left.
std::optional<size_t> choose(const Board& board, size_t cpu, float target) {
  const float excess = board.expected(cpu) - target;
  std::optional<size_t> chosen;
  for (const size_t napi : board.on(cpu)) {
    if (board.moves_left(napi) == 0) continue;
    const float one = board.expected_of(napi);
    const float best = chosen ? board.expected_of(*chosen) : -1;
    const bool enough = one >= excess;
    if (!chosen || (best >= excess ? enough && one < best : one > best)) chosen = napi;
  }
  return chosen;
}

void settle(Board& board, const Lifted& lifted, const PackerSettings& settings) {
  if (const auto cpu = board.best_used(lifted.napi, limits_of(settings), lifted.from))
    return board.put(lifted.napi, *cpu);
  if (const auto cpu = board.best_free(lifted.napi)) return board.put(lifted.napi, *cpu);
  // No room anywhere: even is best. Back where it was, unless another has it better by a twentieth of a CPU.
  const auto cpu = board.emptiest(lifted.napi, Board::kNowhere);
  const bool stay = !cpu || (board.allowed(lifted.napi, lifted.from) &&
                             board.expected(lifted.from) <= board.expected(*cpu) + 0.05F);
  board.put(lifted.napi, stay ? lifted.from : *cpu);
}

// One entry of the profiles, packed from nothing by best fit decreasing, each where it may be; with `stay`,
// where it was if it can be. True if no CPU that has two is over the mark; else nothing is changed.
bool pack_anew(Board& board, float mark, size_t entry, bool stay) {
  const size_t before = board.steps();
  std::vector<size_t> order(board.napis());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](size_t napi) { return board.load_of(napi, entry); });
  std::vector<size_t> was(board.napis());
  for (const size_t napi : order) {
    was[napi] = board.cpu_of(napi);
    if (board.moves_left(napi) > 0) board.put(napi, Board::kNowhere);
  }
  for (const size_t napi : order) {
    if (board.cpu_of(napi) != Board::kNowhere) continue;
    const auto has_room = [&](size_t cpu) {
      return board.allowed(napi, cpu) &&
             (!board.used(cpu) || board.load(cpu, entry) + board.load_of(napi, entry) <= mark);
    };
    size_t best = Board::kNowhere;
    for (size_t cpu = 0; cpu < board.cpus(); ++cpu)
      if (has_room(cpu) && (best == Board::kNowhere || board.load(cpu, entry) > board.load(best, entry)))
        best = cpu;
    if (best == Board::kNowhere) {
      board.take_back(before);
      return false;
    }
    if (stay && has_room(was[napi])) best = was[napi];
    board.put(napi, best);
  }
  if (!any_over(board, mark, entry)) return true;  // those that had no move left may be
  board.take_back(before);
  return false;
}

// For when step by step was not enough. What is expected may be more than there can be room for; what was
// measured may still fit.
void pack_all_anew(Board& board, float mark) {
  for (const size_t entry : {kExpected, kMeasured}) {
    if (!any_over(board, mark, entry)) return;
    if (pack_anew(board, mark, entry, true) || pack_anew(board, mark, entry, false)) return;
  }
}

}  // namespace

void relieve(Board& board, const PackerSettings& settings) {
  std::vector<Lifted> lifted;
  for (size_t cpu = 0; cpu < board.cpus(); ++cpu) {
    if (!over(board, cpu, settings.mark)) continue;
    while (board.on(cpu).size() > 1 && board.expected(cpu) > settings.target) {
      const auto napi = choose(board, cpu, settings.target);
      if (!napi) break;
      board.put(*napi, Board::kNowhere);
      lifted.push_back({*napi, cpu});
    }
  }
  std::ranges::stable_sort(lifted, std::greater(),
                           [&](const Lifted& one) { return board.expected_of(one.napi); });
  for (const Lifted& one : lifted) settle(board, one, settings);
  pack_all_anew(board, settings.mark);
}

}  // namespace xdpfwd::packer

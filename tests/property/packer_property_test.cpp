// SPDX-License-Identifier: BSD-2-Clause
// What the packer promises whatever the load: random hosts, placements, loads and adversaries, each from a
// seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "packer/bin_packing.h"
#include "packer/model/contenders.h"
#include "packer/model/fluid_host.h"
#include "packer/model/recorded_trace.h"
#include "packer/packer.h"

namespace xdpfwd::packer {
namespace {

using Chance = std::mt19937_64;
constexpr float kMark = PackerSettings{}.mark;
constexpr float kRounding = 1e-3F;

uint32_t below(Chance& chance, size_t limit) {
  return static_cast<uint32_t>(chance() % limit);
}
float between(Chance& chance, float low, float high) {
  return low + (high - low) * static_cast<float>(chance() % 10'000) / 10'000;
}

Packer make(uint32_t cpus) {
  return std::move(*Packer::make({}, model_topology(cpus)));
}

std::vector<NapiLoad> random_napis(Chance& chance, size_t count, uint32_t cpus) {
  std::vector<NapiLoad> napis;
  for (size_t i = 0; i < count; ++i)
    napis.push_back({.napi = static_cast<uint32_t>(8000 + i),
                     .node = static_cast<int32_t>(below(chance, 3)) - 1,
                     .cpu = below(chance, cpus)});
  return napis;
}

size_t carry_out(const Decision& decision, std::vector<NapiLoad>& napis) {
  for (const Move& move : decision.moves) {
    NapiLoad& napi = napis[move.napi - 8000];
    EXPECT_EQ(napi.cpu, move.from);
    EXPECT_NE(move.to, move.from);
    napi.cpu = move.to;
  }
  return decision.moves.size();
}

// The load of the fullest CPU of those that more than one NAPI is on.
float fullest_shared(const std::vector<NapiLoad>& napis, const std::vector<float>& loads) {
  std::map<uint32_t, std::pair<float, int>> cpus;
  for (size_t i = 0; i < napis.size(); ++i) {
    cpus[napis[i].cpu].first += loads[i];
    ++cpus[napis[i].cpu].second;
  }
  float most = 0;
  for (const auto& [cpu, load] : cpus)
    if (load.second > 1) most = std::max(most, load.first);
  return most;
}

std::vector<float> busy_of(const std::vector<NapiLoad>& napis) {
  std::vector<float> loads;
  for (const NapiLoad& napi : napis) loads.push_back(napi.busy);
  return loads;
}

// The model's host, driven with constant rates of 1 us frames; what it saw is the packer's input.
class Rig {
 public:
  Rig(uint32_t cpus, std::vector<NapiLoad>& napis)
      : napis_(napis), host_({.cpus = cpus}, std::vector<float>(napis.size(), 1000)) {}
  void interval(const std::vector<float>& loads) {
    std::vector<float> frames;
    for (const float load : loads) frames.push_back(load * 1000);
    std::vector<uint32_t> cpu_of;
    for (const NapiLoad& napi : napis_) cpu_of.push_back(napi.cpu);
    for (int step = 0; step < 100; ++step) host_.step(frames, cpu_of);
    const auto seen = host_.end_interval();
    for (size_t i = 0; i < napis_.size(); ++i) {
      napis_[i].busy = seen[i].busy;
      napis_[i].waiting = seen[i].waiting;
    }
  }

 private:
  std::vector<NapiLoad>& napis_;
  FluidHost host_;
};

class PackerProperty : public testing::TestWithParam<uint64_t> {};

// Feasible: best fit decreasing, which the packer does not call, finds a packing. Loads are measured exactly
// and change as they like in every interval.
TEST_P(PackerProperty, no_cpu_is_over_the_mark_when_a_packing_exists) {
  Chance chance(GetParam());
  const uint32_t cpus = 1 + below(chance, 24);
  std::vector<NapiLoad> napis = random_napis(chance, 1 + below(chance, 60), cpus);
  // As many moves as it takes.
  Packer packer = std::move(*Packer::make({.moves_saved = 1000, .move_every = 1}, model_topology(cpus)));
  const float share = between(chance, 0.3F, 0.93F);  // of all CPUs' time
  int feasible = 0;
  for (int interval = 0; interval < 150; ++interval) {
    float sum = 0;
    for (NapiLoad& napi : napis) {
      if (below(chance, 4) == 0 || interval == 0) napi.busy = between(chance, 0, 1) * between(chance, 0, 1);
      sum += napi.busy;
    }
    const float most = share * static_cast<float>(cpus);
    if (sum > most)
      for (NapiLoad& napi : napis) napi.busy *= most / sum;
    carry_out(packer.decide(napis), napis);
    const std::vector<float> loads = busy_of(napis);
    if (best_fit_decreasing(loads, kMark).bins > cpus) continue;
    ++feasible;
    ASSERT_LE(fullest_shared(napis, loads), kMark + kRounding) << "interval " << interval;
  }
  if (share < 0.6F) {
    EXPECT_GT(feasible, 0);
  }
}

TEST_P(PackerProperty, a_steady_load_comes_to_rest_and_stays) {
  Chance chance(GetParam());
  const uint32_t cpus = 2 + below(chance, 32);
  std::vector<NapiLoad> napis = random_napis(chance, 1 + below(chance, 50), cpus);
  std::vector<float> loads;
  float sum = 0;
  for (size_t i = 0; i < napis.size(); ++i) sum += loads.emplace_back(between(chance, 0, 0.9F));
  for (float& load : loads) load *= std::min(1.0F, 0.7F * static_cast<float>(cpus) / sum);
  Packer packer = make(cpus);
  Rig rig(cpus, napis);
  const auto intervals = [&](int count) {
    size_t moves = 0;
    while (count-- > 0) {
      rig.interval(loads);
      moves += carry_out(packer.decide(napis), napis);
    }
    return moves;
  };
  intervals(600);
  EXPECT_EQ(intervals(300), 0U);
  // With as few moves as it has.
  if (best_fit_decreasing(loads, kMark).bins <= cpus) {
    EXPECT_LE(fullest_shared(napis, loads), kMark + kRounding);
  }
  std::set<uint32_t> used;
  for (const NapiLoad& napi : napis) used.insert(napi.cpu);
  // And well packed: with any two CPUs' loads together more than one could take, it is at most twice the
  // best.
  EXPECT_LE(used.size(), std::max<size_t>(1, 2 * fewest_bins(loads, PackerSettings{}.target)));
}

// Of which a CPU may have more than an interval may move.
std::vector<NapiLoad> small_napis(Chance& chance, uint32_t cpus) {
  std::vector<NapiLoad> napis = random_napis(chance, 20 + below(chance, 180), cpus);
  const float most = 0.5F * static_cast<float>(cpus) / static_cast<float>(napis.size());
  for (NapiLoad& napi : napis) napi.busy = between(chance, 0, most);
  return napis;
}

TEST_P(PackerProperty, what_only_saves_cpus_is_a_bounded_number_of_moves) {
  Chance chance(GetParam());
  const uint32_t cpus = 2 + below(chance, 12);
  std::vector<NapiLoad> napis = small_napis(chance, cpus);
  Packer packer = make(cpus);
  for (int interval = 0; interval < 400; ++interval) {
    if (below(chance, 50) == 0)
      for (NapiLoad& napi : napis) napi.busy *= between(chance, 0.3F, 1.5F);
    const Decision decision = packer.decide(napis);
    const auto saving = std::ranges::count_if(decision.moves, [](const Move& move) {
      return move.reason == MoveReason::kConsolidate || move.reason == MoveReason::kLocality;
    });
    ASSERT_LE(saving, PackerSettings{}.most_moves) << "interval " << interval;
    carry_out(decision, napis);
  }
}

TEST_P(PackerProperty, more_than_an_interval_may_move_end_on_few_cpus_all_the_same) {
  Chance chance(GetParam());
  const uint32_t cpus = 2 + below(chance, 12);
  std::vector<NapiLoad> napis = small_napis(chance, cpus);
  Packer packer = make(cpus);
  for (int interval = 0; interval < 600; ++interval) carry_out(packer.decide(napis), napis);
  std::set<uint32_t> used;
  for (const NapiLoad& napi : napis) used.insert(napi.cpu);
  // Small ones leave hardly any room.
  EXPECT_LE(used.size(), 1 + fewest_bins(busy_of(napis), PackerSettings{}.target));
  size_t moves = 0;
  for (int interval = 0; interval < 300; ++interval) moves += carry_out(packer.decide(napis), napis);
  EXPECT_EQ(moves, 0U);
}

// It hides its demand behind full CPUs: the packer only sees what the model's host shows.
TEST_P(PackerProperty, a_burst_is_spread_in_the_next_interval) {
  Chance chance(GetParam());
  const auto count = 2 + below(chance, 40);
  const uint32_t cpus = count + below(chance, 10);  // so that there is room, whatever is assumed
  std::vector<NapiLoad> napis = random_napis(chance, count, cpus);
  std::vector<float> loads;
  for (size_t i = 0; i < napis.size(); ++i) loads.push_back(between(chance, 0.05F, 0.45F));
  Packer packer = make(cpus);
  Rig rig(cpus, napis);
  for (int interval = 0; interval < 200; ++interval) {
    rig.interval(loads);
    carry_out(packer.decide(napis), napis);
  }
  ASSERT_LE(fullest_shared(napis, loads), kMark + kRounding);
  std::vector<float> burst = loads;
  const uint32_t share = 1 + below(chance, 4);
  for (float& load : burst)
    if (below(chance, share) == 0) load = std::min(1.0F, load * between(chance, 1.5F, 4));
  rig.interval(burst);
  carry_out(packer.decide(napis), napis);
  EXPECT_LE(fullest_shared(napis, burst), kMark + kRounding);
}

// Square waves of any period, and one who looks where everything is and raises what shares a CPU.
TEST_P(PackerProperty, an_adversary_cannot_keep_it_moving) {
  Chance chance(GetParam());
  const uint32_t cpus = 24;
  const size_t count = 32;
  const bool adaptive = GetParam() % 2 == 0;
  std::vector<NapiLoad> napis = random_napis(chance, count, cpus);
  std::vector<uint32_t> period;
  for (size_t i = 0; i < count; ++i) period.push_back(2 + below(chance, 120));
  const uint32_t wait = kWindow + 1 + below(chance, 20);  // just beyond what the window remembers
  Packer packer = make(cpus);
  Rig rig(cpus, napis);
  std::vector<float> loads(count, 0.1F);
  std::vector<size_t> moves(count);
  constexpr uint32_t kIntervals = 1500;  // two and a half minutes
  for (uint32_t interval = 0; interval < kIntervals; ++interval) {
    std::map<uint32_t, int> on;
    for (const NapiLoad& napi : napis) ++on[napi.cpu];
    for (size_t i = 0; i < count; ++i) {
      const bool high =
          adaptive ? interval % wait < 3 && on[napis[i].cpu] > 1 : interval % period[i] < period[i] / 2;
      loads[i] = high ? 0.5F : 0.1F;
    }
    rig.interval(loads);
    const Decision decision = packer.decide(napis);
    for (const Move& move : decision.moves) ++moves[move.napi - 8000];
    carry_out(decision, napis);
  }
  const PackerSettings settings;
  EXPECT_LE(std::ranges::max(moves), settings.moves_saved + kIntervals / settings.move_every);
}

TEST_P(PackerProperty, nothing_is_put_where_it_may_not_be) {
  Chance chance(GetParam());
  const uint32_t cpus = 2 + below(chance, 20);
  std::vector<NapiLoad> napis = random_napis(chance, 1 + below(chance, 40), cpus);
  for (NapiLoad& napi : napis)
    for (uint32_t cpu = 0; cpu < cpus; ++cpu)
      if (below(chance, 3) == 0) napi.allowed.push_back(cpu);
  Packer packer = make(cpus);
  for (int interval = 0; interval < 200; ++interval) {
    for (NapiLoad& napi : napis)
      if (below(chance, 10) == 0) {
        napi.busy =
            below(chance, 50) == 0 ? std::numeric_limits<float>::quiet_NaN() : between(chance, -0.1F, 1.2F);
        napi.waiting = between(chance, 0, 1);
      }
    const Decision decision = packer.decide(napis);
    carry_out(decision, napis);
    ASSERT_TRUE(decision.unplaceable.empty());
    for (const NapiLoad& napi : napis) {
      ASSERT_LT(napi.cpu, cpus);
      if (!napi.allowed.empty()) {
        ASSERT_TRUE(std::ranges::binary_search(napi.allowed, napi.cpu)) << napi.napi;
      }
    }
  }
}

TEST_P(PackerProperty, any_text_is_a_trace_or_an_error_that_names_the_file) {
  Chance chance(GetParam());
  static const std::string kPieces[] = {"0",     "1",  ",",       "\n",        "1000",   "-1", "1e9",
                                        "nan",   "#",  "time_ms", "\r",        "\0\xff", " ",  ".5",
                                        "1e999", ",,", "0,1,2\n", "9,1,2,3\n", "inf",    "0x1"};
  for (int i = 0; i < 400; ++i) {
    std::string text;
    for (uint32_t piece = below(chance, 40); piece > 0; --piece)
      text += kPieces[below(chance, std::size(kPieces))];
    const auto trace = parse_trace(text, "some.csv", 800);
    if (!trace) {
      ASSERT_TRUE(trace.error().message.starts_with("some.csv:")) << trace.error().message;
      ASSERT_FALSE(trace.error().remedy.empty());
      continue;
    }
    std::vector<float> frames((*trace)->napis());
    for (uint64_t step = 0; step < std::min<uint64_t>((*trace)->steps(), 2000); ++step) {
      (*trace)->next(frames);
      for (const float one : frames) ASSERT_TRUE(one >= 0 && one <= 1e6F);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PackerProperty, testing::Range<uint64_t>(1, 41));

}  // namespace
}  // namespace xdpfwd::packer

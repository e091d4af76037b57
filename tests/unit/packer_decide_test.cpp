// SPDX-License-Identifier: BSD-2-Clause
// Where the packer puts NAPIs, in small cases whose answer is plain.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "packer/packer.h"

namespace xdpfwd::packer {
namespace {

std::vector<CpuPlace> flat(uint32_t cpus) {
  std::vector<CpuPlace> places;
  for (uint32_t cpu = 0; cpu < cpus; ++cpu) places.push_back({.cpu = cpu, .node = 0, .core = cpu});
  return places;
}

// NAPIs that do what they are told, and the packer that tells them.
struct Host {
  Packer packer;
  std::vector<NapiLoad> napis;
  std::vector<Move> moves;  // of the last interval

  Host(std::vector<CpuPlace> cpus, const std::vector<float>& loads)
      : packer(std::move(*Packer::make({}, std::move(cpus)))) {
    for (size_t i = 0; i < loads.size(); ++i)
      napis.push_back({.napi = static_cast<uint32_t>(100 + i),
                       .irq = static_cast<uint32_t>(30 + i),
                       .node = 0,
                       .cpu = static_cast<uint32_t>(i),
                       .busy = loads[i]});
  }
  Decision interval() {
    Decision decision = packer.decide(napis);
    moves = decision.moves;
    for (const Move& move : moves)
      for (NapiLoad& napi : napis)
        if (napi.napi == move.napi) napi.cpu = move.to;
    return decision;
  }
  size_t intervals(int count) {
    size_t all = 0;
    while (count-- > 0) {
      interval();
      all += moves.size();
    }
    return all;
  }
  [[nodiscard]] std::map<uint32_t, float> load_of_cpus() const {
    std::map<uint32_t, float> loads;
    for (const NapiLoad& napi : napis) loads[napi.cpu] += napi.busy;
    return loads;
  }
};

TEST(PackerDecide, three_at_30_percent_end_on_one_cpu_and_stay) {
  Host host(flat(4), {0.3F, 0.3F, 0.3F});
  EXPECT_EQ(host.intervals(20), 2U);
  EXPECT_EQ(host.load_of_cpus().size(), 1U);
  EXPECT_EQ(host.intervals(1000), 0U);
}

TEST(PackerDecide, the_thread_and_the_interrupt_are_named_together) {
  Host host(flat(2), {0.3F, 0.3F});
  for (int i = 0; i < 20 && host.moves.empty(); ++i) host.interval();
  ASSERT_EQ(host.moves.size(), 1U);
  const Move move = host.moves.front();
  EXPECT_EQ(move.irq, move.napi - 70);
  EXPECT_EQ(move.from, move.napi - 100);
  EXPECT_EQ(move.to, 1 - move.from);
  EXPECT_EQ(move.reason, MoveReason::kConsolidate);
}

TEST(PackerDecide, a_fourth_at_30_percent_gets_another_cpu) {
  Host host(flat(4), {0.3F, 0.3F, 0.3F, 0.3F});
  host.intervals(50);
  EXPECT_EQ(host.load_of_cpus().size(), 2U);
}

TEST(PackerDecide, a_measured_burst_spreads_in_the_next_interval) {
  Host host(flat(4), {0.3F, 0.3F, 0.3F});
  host.intervals(50);
  for (NapiLoad& napi : host.napis) napi.busy = 0.5F;  // more than a CPU has; as if it had
  host.interval();
  for (const auto& [cpu, load] : host.load_of_cpus()) EXPECT_LE(load, 0.95F) << "CPU " << cpu;
  EXPECT_EQ(host.load_of_cpus().size(), 3U);
  for (const Move& move : host.moves) EXPECT_EQ(move.reason, MoveReason::kRelieve);
}

TEST(PackerDecide, a_burst_that_a_full_cpu_hides_spreads_in_the_next_interval) {
  Host host(flat(4), {0.3F, 0.3F, 0.3F});
  host.intervals(50);
  // Each gets a third, as before or nearly so, and could have run all the time.
  for (NapiLoad& napi : host.napis) {
    napi.busy = 0.333F;
    napi.waiting = 0.667F;
  }
  host.interval();
  EXPECT_EQ(host.load_of_cpus().size(), 3U);
}

TEST(PackerDecide, waiting_in_turn_on_a_cpu_that_keeps_up_is_no_burst) {
  Host host(flat(4), {0.3F, 0.3F, 0.3F});
  host.intervals(50);
  for (NapiLoad& napi : host.napis) napi.waiting = 0.6F;
  EXPECT_EQ(host.intervals(50), 0U);
}

TEST(PackerDecide, who_had_less_of_a_full_cpu_than_others_had_all_that_it_wanted) {
  Host host(flat(4), {0.3F, 0.15F, 0.15F});
  host.intervals(50);
  host.napis[0].busy = 0.7F;
  host.napis[0].waiting = 0.3F;
  host.napis[1].waiting = host.napis[2].waiting = 0.6F;
  host.interval();
  EXPECT_EQ(host.load_of_cpus().size(), 2U);  // those two stay together
}

TEST(PackerDecide, what_waits_for_something_else_on_its_cpu_is_not_left_there_together) {
  Host host(flat(4), {0.25F, 0.25F});
  host.intervals(50);
  for (NapiLoad& napi : host.napis)
    napi.waiting = 0.5F;  // 0.25 of it while nobody of us ran; yet they keep up
  EXPECT_EQ(host.intervals(50), 0U);
  for (NapiLoad& napi : host.napis) napi.waiting = 0.75F;
  host.interval();
  EXPECT_EQ(host.load_of_cpus().size(), 2U);
}

TEST(PackerDecide, one_that_fills_a_cpu_by_itself_stays_alone) {
  Host host(flat(3), {1.0F, 0.1F, 0.1F});
  host.napis[0].waiting = 0;
  host.intervals(50);
  EXPECT_EQ(host.load_of_cpus().size(), 2U);
  EXPECT_EQ(host.intervals(100), 0U);
}

TEST(PackerDecide, only_allowed_cpus_are_used) {
  Host host(flat(4), {0.3F, 0.3F, 0.3F});
  host.napis[2].allowed = {1, 3};  // and it is on 2
  host.interval();
  ASSERT_FALSE(host.moves.empty());
  EXPECT_EQ(host.moves.back().napi, 102U);
  EXPECT_EQ(host.moves.back().reason, MoveReason::kNotAllowed);
  host.intervals(50);
  EXPECT_EQ(host.load_of_cpus().size(), 1U);
  EXPECT_EQ(host.napis[2].cpu, 1U);
}

TEST(PackerDecide, one_that_may_use_no_cpu_of_the_host_is_named_and_left_alone) {
  Host host(flat(2), {0.3F, 0.3F});
  host.napis[0].allowed = {7};
  EXPECT_EQ(host.interval().unplaceable, std::vector<uint32_t>{100});
  host.intervals(50);
  EXPECT_EQ(host.napis[0].cpu, 0U);
}

TEST(PackerDecide, the_cpu_of_the_nics_node_is_kept) {
  Host host(
      {{.cpu = 0, .node = 1, .core = 0}, {.cpu = 1, .node = 0, .core = 1}, {.cpu = 2, .node = 1, .core = 2}},
      {0.25F, 0.25F, 0.25F});
  host.intervals(200);
  ASSERT_EQ(host.load_of_cpus().size(), 1U);
  EXPECT_EQ(host.napis[0].cpu, 1U);
}

TEST(PackerDecide, a_core_of_its_own_comes_before_a_sibling) {
  // CPU 0 is in use; 1 is its sibling; 2 is another core of the same node; 3 one of the other node.
  Host host({{.cpu = 0, .node = 0, .core = 0},
             {.cpu = 1, .node = 0, .core = 0},
             {.cpu = 2, .node = 0, .core = 1},
             {.cpu = 3, .node = 1, .core = 2}},
            {0.6F, 0.6F, 0.6F});
  for (NapiLoad& napi : host.napis) napi.cpu = 0;
  host.interval();
  std::set<uint32_t> cpus;
  for (const NapiLoad& napi : host.napis) cpus.insert(napi.cpu);
  EXPECT_EQ(cpus, (std::set<uint32_t>{0, 2, 3}));
}

// Found on siblings (a daemon before us put them there, or all cores were in use), with a core free.
TEST(PackerDecide, one_of_two_siblings_goes_to_a_core_that_is_free) {
  for (const int32_t node_of_free : {0, 1}) {
    Host host({{.cpu = 0, .node = 0, .core = 0},
               {.cpu = 1, .node = 0, .core = 0},
               {.cpu = 2, .node = node_of_free, .core = 1}},
              {0.6F, 0.6F});
    host.intervals(200);
    std::set<uint32_t> cpus;
    for (const NapiLoad& napi : host.napis) cpus.insert(napi.cpu);
    EXPECT_EQ(cpus.count(2), 1U) << "node " << node_of_free;
    EXPECT_EQ(host.intervals(200), 0U) << "and stays";
  }
}

TEST(PackerDecide, napis_come_and_go) {
  Host host(flat(4), {0.3F, 0.3F});
  host.intervals(50);
  host.napis.push_back({.napi = 7, .node = 0, .cpu = 99, .busy = 0.3F});  // on a CPU that nobody knows
  host.interval();
  ASSERT_EQ(host.moves.size(), 1U);
  EXPECT_EQ(host.moves[0].reason, MoveReason::kNotAllowed);
  EXPECT_EQ(host.load_of_cpus().size(), 1U);
  host.napis.erase(host.napis.begin());
  EXPECT_EQ(host.intervals(50), 0U);
  host.napis.clear();
  EXPECT_TRUE(host.interval().moves.empty());
}

TEST(PackerDecide, settings_that_cannot_be_are_refused) {
  EXPECT_FALSE(Packer::make({.target = 0}, flat(1)));
  EXPECT_FALSE(Packer::make({.target = 0.96F, .mark = 0.95F}, flat(1)));
  EXPECT_FALSE(Packer::make({.mark = 1.1F}, flat(1)));
  EXPECT_FALSE(Packer::make({}, {}));
  const auto twice = Packer::make({}, {{.cpu = 3}, {.cpu = 3}});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().text(), "CPU 3 is given twice; name each CPU once");
}

}  // namespace
}  // namespace xdpfwd::packer

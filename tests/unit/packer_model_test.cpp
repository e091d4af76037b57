// SPDX-License-Identifier: BSD-2-Clause
// The host model and its traces, against what can be worked out by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "packer/bin_packing.h"
#include "packer/model/contenders.h"
#include "packer/model/fluid_host.h"
#include "packer/model/load_trace.h"
#include "packer/model/recorded_trace.h"
#include "packer/model/simulate.h"
#include "packer/model/simulation_report.h"

namespace xdpfwd::packer {
namespace {

// A frame costs 1 us: 1000 frames fill a step of a CPU.
struct Bench {
  FluidHost host;
  std::vector<uint32_t> cpu_of;
  Bench(uint32_t cpus, size_t napis, HostModel model = {})
      : host((model.cpus = cpus, model), std::vector<float>(napis, 1000)), cpu_of(napis) {}
  void steps(int count, const std::vector<float>& frames) {
    while (count-- > 0) host.step(frames, cpu_of);
  }
};

TEST(PackerModel, a_cpu_that_keeps_up_does_all_the_work) {
  Bench bench(2, 2);
  bench.steps(100, {300, 400});
  const auto seen = bench.host.end_interval();
  EXPECT_NEAR(seen[0].busy, 0.3F, 1e-5);
  EXPECT_NEAR(seen[1].busy, 0.4F, 1e-5);
  const FluidHost::Figures figures = bench.host.figures();
  EXPECT_EQ(figures.cpus, 1);
  EXPECT_EQ(figures.overload_percent, 0);
  EXPECT_NEAR(figures.load, 0.7, 1e-6);
  // M/M/1 of bursts of 16 us at 70 %: P(wait > t) = 0.7 exp(-t * 0.3 / 16).
  EXPECT_NEAR(figures.p99_us, 16 / 0.3 * std::log(0.7 / 0.01), 1);
}

TEST(PackerModel, a_full_cpu_gives_equal_shares_and_loses_what_no_ring_holds) {
  Bench bench(1, 3, {.ring_frames = 2000});
  bench.steps(100, {100, 800, 2000});
  const auto seen = bench.host.end_interval();
  EXPECT_NEAR(seen[0].busy, 0.1F, 1e-4);   // less than its share: all of it
  EXPECT_NEAR(seen[1].busy, 0.45F, 1e-4);  // and the rest is halved
  EXPECT_NEAR(seen[2].busy, 0.45F, 1e-4);
  EXPECT_NEAR(seen[2].waiting, 0.55F, 1e-4);
  const FluidHost::Figures figures = bench.host.figures();
  EXPECT_NEAR(figures.overload_percent, 70, 1e-6);  // as soon as more has come than an interval can do
  EXPECT_EQ(figures.strict_percent, 100);
  // 290 000 came; 100 000 were served and 2 * 2000 wait.
  EXPECT_NEAR(figures.lost_percent, 100 * (290.0 - 100 - 4) / 290, 0.01);
}

TEST(PackerModel, overload_is_of_an_interval_and_strictly_of_10_ms) {
  Bench bench(1, 1);
  for (int i = 0; i < 50; ++i) {
    bench.steps(10, {1100});
    bench.steps(90, {500});
  }
  EXPECT_EQ(bench.host.figures().overload_percent, 0);
  EXPECT_NEAR(bench.host.figures().strict_percent, 10, 1e-6);
}

TEST(PackerModel, a_move_costs_work_and_is_counted) {
  Bench bench(2, 1);
  bench.steps(100, {500});
  bench.host.end_interval();
  bench.cpu_of[0] = 1;
  bench.steps(100, {500});
  EXPECT_NEAR(bench.host.end_interval()[0].busy, 0.5005F, 1e-5);  // 50 us in 100 ms
  EXPECT_EQ(bench.host.moves(), 1U);
  EXPECT_NEAR(bench.host.figures().moves_per_s, 5, 1e-6);
}

TEST(PackerModel, best_fit_decreasing_and_the_bound) {
  const std::vector<float> loads = {0.5F, 0.2F, 0.5F, 0.7F, 0.3F, 0.0F, 0.8F};
  const Packing packing = best_fit_decreasing(loads, 1);
  EXPECT_EQ(packing.bins, 3U);
  EXPECT_EQ(packing.bin_of[0], packing.bin_of[2]);
  EXPECT_EQ(packing.bin_of[1], packing.bin_of[6]);
  EXPECT_EQ(packing.bin_of[3], packing.bin_of[4]);
  EXPECT_EQ(fewest_bins(loads, 1), 3U);
  const std::vector<float> large = {0.6F, 0.6F, 0.6F};
  EXPECT_EQ(fewest_bins(large, 1), 3U);
  EXPECT_EQ(best_fit_decreasing(std::vector<float>{1.5F, 0.1F}, 1).bins, 2U);
}

TEST(PackerModel, a_seed_gives_the_same_trace_and_another_another) {
  for (const SyntheticKind& kind : synthetic_kinds()) {
    SyntheticSettings settings{.queues = 16, .guests = 50, .load = 5, .seconds = 2};
    const auto run = [&](uint64_t seed) {
      settings.seed = seed;
      const auto trace = make_synthetic(kind.name, settings);
      std::vector<float> all, frames(16);
      for (uint64_t step = 0; step < (*trace)->steps(); ++step) {
        (*trace)->next(frames);
        all.insert(all.end(), frames.begin(), frames.end());
      }
      return all;
    };
    EXPECT_EQ(run(1), run(1)) << kind.name;
    EXPECT_NE(run(1), run(2)) << kind.name;
  }
}

TEST(PackerModel, a_steady_trace_has_the_load_that_was_asked_for) {
  for (const char* name : {"steady", "diurnal"}) {
    const auto trace = make_synthetic(name, {.queues = 32, .guests = 500, .load = 10, .seconds = 20});
    std::vector<float> frames(32);
    double sum = 0;
    for (uint64_t step = 0; step < (*trace)->steps(); ++step) {
      (*trace)->next(frames);
      for (const float one : frames) sum += static_cast<double>(one);
    }
    EXPECT_NEAR(sum * 800e-9 / 20, 10, 0.5) << name;
  }
}

TEST(PackerModel, a_recording_holds_each_rate_until_the_next) {
  const auto trace = parse_trace(
      "time_ms,napi,frames_per_s,cost_ns\n# two queues\n0,8193,1000,500\n0,8194, "
      "2e6\r\n\n2,8193,0,500\n4,8193,0\n",
      "x.csv", 800);
  ASSERT_TRUE(trace) << trace.error().text();
  EXPECT_EQ((*trace)->napis(), 2U);
  EXPECT_EQ((*trace)->steps(), 4U);
  EXPECT_EQ((*trace)->cost_ns()[0], 500);
  EXPECT_EQ((*trace)->cost_ns()[1], 800);
  std::vector<float> frames(2);
  (*trace)->next(frames);
  (*trace)->next(frames);
  EXPECT_EQ(frames, (std::vector<float>{1, 2000}));
  (*trace)->next(frames);
  EXPECT_EQ(frames, (std::vector<float>{0, 2000}));
}

TEST(PackerModel, a_wrong_recording_is_refused_by_file_and_line) {
  const auto error = [](std::string_view text) {
    const auto trace = parse_trace(text, "x.csv", 800);
    return trace ? std::string("accepted") : trace.error().text();
  };
  const std::string format = "time_ms,napi,frames_per_s or time_ms,napi,frames_per_s,cost_ns";
  EXPECT_EQ(error("0,1,2\n3,4\n"), "x.csv:2: not three or four fields; write " + format);
  EXPECT_EQ(error("0,1,2,3,4"), "x.csv:1: not three or four fields; write " + format);
  EXPECT_EQ(error("0,1,-5"), "x.csv:1: frames_per_s is '-5'; write a number from 0 to 1000000000");
  EXPECT_EQ(error("0,1,nan"), "x.csv:1: frames_per_s is 'nan'; write a number from 0 to 1000000000");
  EXPECT_EQ(error("1e300,1,1"), "x.csv:1: time_ms is '1e300'; write a number from 0 to 86400000");
  EXPECT_EQ(error("0,1.5,1"), "x.csv:1: napi is '1.5'; write its id, a whole number");
  EXPECT_EQ(error("0,1,1,0"),
            "x.csv:1: cost_ns is 0; write what a frame costs, in ns of a CPU, or leave the field out");
  EXPECT_EQ(error("5,1,1\n4,1,1"), "x.csv:2: time_ms goes back from 5 to 4; sort the lines by time");
  EXPECT_EQ(error("0,1,1,5\n9,1,1,6"), "x.csv:2: cost_ns of NAPI 1 was 5 before; give each NAPI one cost");
  EXPECT_EQ(error("# nothing\n"), "x.csv: there is no sample in it; write lines " + format);
  EXPECT_EQ(
      error("0,1,1"),
      "x.csv: all samples are of the same time; end with a line of the time at which the recording ended");
  std::string many;
  for (size_t i = 0; i <= kMostNapis; ++i) many += "0," + std::to_string(i) + ",1\n";
  EXPECT_EQ(error(many), "x.csv:4097: more than 4096 NAPIs; record fewer of them");
}

TEST(PackerModel, a_name_that_is_neither_trace_nor_file_says_which_there_are) {
  const auto none = [](const std::string& path) { return fail(path + ": No such file or directory", "", 2); };
  const auto trace =
      make_trace("stedy", {}, [&](const std::string& path) -> Result<std::string> { return none(path); });
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().text(),
            "stedy: No such file or directory; name a file with a load trace, or one of steady, diurnal, "
            "flash-crowd, "
            "elephant, on-off, oscillation");
}

// Three queues at 30 % for 10 s: packed on one CPU of four.
TEST(PackerModel, a_simulation_has_the_figures_that_it_must) {
  const auto trace = parse_trace("0,1,300000\n0,2,300000\n0,3,300000\n10000,1,0\n", "x.csv", 1000);
  ASSERT_TRUE(trace);
  SimulationSettings settings;
  settings.host.cpus = 4;
  const auto result = simulate("three", **trace, settings);
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_NEAR(result->of(kPackerName).cpus, 1, 1e-9);
  EXPECT_NEAR(result->of(kOracleName).cpus, 1, 1e-9);
  EXPECT_NEAR(result->of(kPinnedName).cpus, 3, 1e-9);
  EXPECT_NEAR(result->cpus_saved_percent(), 100 * 2.0 / 3, 1e-6);
  EXPECT_NEAR(result->fewest_cpus, 1, 1e-9);
  EXPECT_EQ(result->of(kPackerName).overload_percent, 0);
  const auto json = nlohmann::json::parse(simulation_json(std::vector{*result, *result}));
  const auto& three = json.at("trace").at("three");
  EXPECT_NEAR(three.at("cpus_over_oracle").get<double>(), 1, 1e-9);
  EXPECT_EQ(three.at("overload_percent").get<double>(), 0);
  EXPECT_NEAR(three.at("cpus_saved_percent").get<double>(), 100 * 2.0 / 3, 1e-6);
  EXPECT_EQ(three.at("seeds").size(), 2U);
}

}  // namespace
}  // namespace xdpfwd::packer
